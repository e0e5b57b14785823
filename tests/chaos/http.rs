//! One HTTP call over a Unix socket, as simple as can be: what a client sees of a daemon that may
//! die at any moment.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(10);

/// Status and JSON of a whole reply; an error where there was none.
pub fn call(
    socket: &Path,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, Value)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let broken = || io::Error::new(io::ErrorKind::UnexpectedEof, "a broken reply");
    let status = reply.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
    let (_, body) = reply.split_once("\r\n\r\n").ok_or_else(broken)?;
    let value = serde_json::from_str(body).map_err(|_| broken())?;
    Ok((status, value))
}

pub fn get(socket: &Path, path: &str) -> io::Result<(u16, Value)> {
    call(socket, "GET", path, "", "")
}

pub fn post(socket: &Path, path: &str, body: &str) -> io::Result<(u16, Value)> {
    call(socket, "POST", path, "", body)
}
