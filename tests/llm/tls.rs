//! TLS with a custom authority, HTTP/2 by ALPN, HTTP/2 with prior knowledge, and refused
//! certificates.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use common::llm_tasks::{VINTAGE, ask, failures, gateway, quick, vision};
use eventplanner::llm::{
    FailureKind, Gateway, LlmError,
    settings::{EndpointSettings, ServerKind},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

/// What the server saw.
#[derive(Default)]
struct Seen {
    connections: AtomicU64,
    http2_by_alpn: AtomicU64,
    calls: AtomicU64,
}

/// A certificate for 127.0.0.1, and the authority that signed it.
struct Certificates {
    authority_pem: String,
    server: Arc<ServerConfig>,
}

fn certificates() -> Certificates {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Certificates { authority_pem: authority.pem(), server: Arc::new(server) }
}

/// An Ollama server that speaks HTTP/2 only, over TLS where it has a certificate.
async fn start(tls: Option<Arc<ServerConfig>>) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let counts = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counts.connections.fetch_add(1, Ordering::SeqCst);
            let (counts, tls) = (Arc::clone(&counts), tls.clone());
            tokio::spawn(async move {
                let Some(config) = tls else { return serve(stream, &counts).await };
                // A client that doesn't trust the certificate leaves here.
                let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else { return };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    counts.http2_by_alpn.fetch_add(1, Ordering::SeqCst);
                }
                serve(stream, &counts).await;
            });
        }
    });
    (address, seen)
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, seen: &Seen) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        assert_eq!(request.uri().path(), "/api/chat");
        seen.calls.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let mut body = request.into_body();
            while let Some(Ok(piece)) = body.data().await {
                body.flow_control().release_capacity(piece.len()).unwrap();
            }
            let head = http::Response::builder()
                .header("content-type", "application/x-ndjson")
                .body(())
                .unwrap();
            let mut out = respond.send_response(head, false).unwrap();
            let piece = json!({"message": {"content": VINTAGE}, "done": false});
            out.send_data(format!("{piece}\n").into(), false).unwrap();
            out.send_data("{\"done\":true,\"done_reason\":\"stop\"}\n".into(), true).unwrap();
        });
    }
}

fn endpoint(scheme: &str, address: SocketAddr) -> EndpointSettings {
    let url = format!("{scheme}://{address}");
    let settings = EndpointSettings::new("one", ServerKind::Ollama, &url, "test");
    EndpointSettings { parallel: 4, ..settings }
}

#[tokio::test]
async fn a_custom_authority_is_trusted_and_tls_brings_http2() {
    let certificates = certificates();
    let (address, seen) = start(Some(certificates.server)).await;
    let ca_file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca_file.path(), &certificates.authority_pem).unwrap();
    let mut endpoint = endpoint("https", address);
    endpoint.ca_file = Some(ca_file.path().to_owned());
    let gateway = gateway(quick(vec![endpoint]));
    assert_eq!(ask(&gateway, vision("first")).await.server, "one");
    let questions = ["a", "b", "c", "d"].map(|text| ask(&gateway, vision(text)));
    for answer in futures_util::future::join_all(questions).await {
        assert_eq!(answer.server, "one", "{answer:?}");
    }
    assert_eq!(seen.calls.load(Ordering::SeqCst), 5);
    assert_eq!(seen.http2_by_alpn.load(Ordering::SeqCst), 1, "one connection for all of them");
}

#[tokio::test]
async fn an_unknown_authority_is_refused_before_anything_is_said() {
    let (address, seen) = start(Some(certificates().server)).await;
    let mut stranger = endpoint("https", address);
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), certificates().authority_pem).unwrap();
    stranger.ca_file = Some(other.path().to_owned());
    let gateway = gateway(quick(vec![stranger]));
    let answer = ask(&gateway, vision("x")).await;
    assert_eq!(answer.server, "rules");
    assert!(answer.fallback.unwrap().contains("TLS"));
    assert_eq!(failures(&gateway)[FailureKind::Tls.as_str()], 1, "not retried");
    assert_eq!(seen.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn http2_with_prior_knowledge_needs_no_tls() {
    let (address, seen) = start(None).await;
    let mut plain = endpoint("http", address);
    plain.http2_prior_knowledge = true;
    let gateway = gateway(quick(vec![plain]));
    for text in ["a", "b"] {
        assert_eq!(ask(&gateway, vision(text)).await.server, "one");
    }
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_bad_certificate_file_is_named() {
    let mut settings = endpoint("https", "127.0.0.1:1".parse().unwrap());
    settings.ca_file = Some("/nowhere/ca.pem".into());
    let error = Gateway::new(quick(vec![settings.clone()]), 0).err().unwrap();
    assert!(matches!(error, LlmError::CaFile { .. }), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n")
        .unwrap();
    settings.ca_file = Some(file.path().to_owned());
    let error = Gateway::new(quick(vec![settings.clone()]), 0).err().unwrap();
    assert!(matches!(error, LlmError::CaText { .. }), "{error}");
    std::fs::write(file.path(), "hello").unwrap();
    let error = Gateway::new(quick(vec![settings]), 0).err().unwrap();
    assert!(error.to_string().contains("one"), "{error}");
}
