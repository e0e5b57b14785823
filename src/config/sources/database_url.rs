//! Connection URLs of the database: told from other texts, and shown without their password.

const MASK: &str = "***";

/// A connection URL whose password is shown as `***`, in the URL's or in the key-value form,
/// however it is written. Where it isn't sure where the password ends, more is hidden.
pub(crate) fn masked_url(url: &str) -> String {
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric());
    match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => format!("{scheme}://{}", masked_rest(rest)),
        _ => masked_pairs(url),
    }
}

/// Behind the scheme. A raw password may hold `@`, `/`, `?`, `#` and `:`; it lies somewhere between
/// the first colon and the last `@`, so that is what is hidden.
fn masked_rest(rest: &str) -> String {
    let hidden = rest.rfind('@').and_then(|at| Some((rest[..at].find(':')?, at)));
    let Some((colon, at)) = hidden else {
        return masked_query(rest);
    };
    format!("{}:{MASK}{}", &rest[..colon], masked_query(&rest[at..]))
}

/// Hides the value of each `password` among the parameters.
fn masked_query(text: &str) -> String {
    let Some((before, query)) = text.split_once('?') else { return text.to_owned() };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if is_secret(&decoded(key)) => format!("{key}={MASK}"),
        _ => pair.to_owned(),
    };
    let pairs: Vec<String> = query.split('&').map(pair).collect();
    format!("{before}?{}", pairs.join("&"))
}

/// Keys may be percent-encoded in a URL.
fn decoded(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_secret(key: &str) -> bool {
    matches!(key.trim().to_ascii_lowercase().as_str(), "password" | "sslpassword")
}

/// `key = value` pairs as libpq writes them: blanks around `=`, values in single quotes, backslashes
/// before signs that stand for themselves.
fn masked_pairs(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(equals) = rest.find('=') {
        let (key, behind) = rest.split_at(equals + 1);
        let value = behind.trim_start();
        let blanks = &behind[..behind.len() - value.len()];
        let end = end_of_value(value);
        let name = key[..equals].rsplit(char::is_whitespace).find(|word| !word.is_empty());
        shown.push_str(key);
        shown.push_str(blanks);
        shown.push_str(if name.is_some_and(is_secret) { MASK } else { &value[..end] });
        rest = &value[end..];
    }
    shown + rest
}

/// Bytes of the value that `text` begins with.
fn end_of_value(text: &str) -> usize {
    let quoted = text.starts_with('\'');
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(usize::from(quoted)) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' if quoted => return at + 1,
            blank if !quoted && blank.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

pub(crate) fn is_database_url(url: &str) -> bool {
    url.is_empty()
        || url.starts_with("postgresql://")
        || url.starts_with("postgres://")
        || url.contains("host=")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgresql://u:s3cret@h:5432/db", "postgresql://u:***@h:5432/db"),
            ("postgres://u:p@ss:w@h/db?sslmode=require", "postgres://u:***@h/db?sslmode=require"),
            ("postgresql://u:p#w@h/db", "postgresql://u:***@h/db"),
            ("postgresql://u:p/w@h/db", "postgresql://u:***@h/db"),
            ("postgresql://u:p?w@h/db?x=1", "postgresql://u:***@h/db?x=1"),
            ("postgresql://u:p?password=w@h/db", "postgresql://u:***@h/db"),
            ("postgresql://:s3cret@h/db", "postgresql://:***@h/db"),
            ("postgresql://u@h/db?password=s3cret&x=1", "postgresql://u@h/db?password=***&x=1"),
            ("postgresql://u@h/db?pass%77ord=s3cret", "postgresql://u@h/db?pass%77ord=***"),
            ("postgresql://u@h/db?sslpassword=s", "postgresql://u@h/db?sslpassword=***"),
            ("host=h user=u password=s3cret dbname=d", "host=h user=u password=*** dbname=d"),
            ("host=h password='s3 cret' user=u", "host=h password=*** user=u"),
            ("host=h password = 's3 \\'cret' user=u", "host=h password = *** user=u"),
            ("host=h password=a\\ b user=u", "host=h password=*** user=u"),
            ("host=h password='never closed user=u", "host=h password=***"),
            ("postgresql://u@h:5432/db", "postgresql://u@h:5432/db"),
            ("host=h options='-c x=1'", "host=h options='-c x=1'"),
            ("", ""),
        ] {
            assert_eq!(masked_url(url), shown, "{url}");
        }
    }

    proptest! {
        #[test]
        fn whatever_it_is_made_of(password in "[A-Z:@/?#&= '\\\\%]{0,12}Q[A-Z:@/?#&= '\\\\%]{1,12}Z") {
            let hidden = |shown: &str| !shown.contains('Q') && !shown.contains(&password);
            let url = format!("postgresql://user:{password}@host:5432/db?sslmode=require");
            prop_assert!(hidden(&masked_url(&url)), "{}", masked_url(&url));
            prop_assert!(masked_url(&url).ends_with("@host:5432/db?sslmode=require"));
            let quoted = password.replace('\\', r"\\").replace('\'', r"\'");
            let pairs = format!("host=h password='{quoted}' user=u");
            prop_assert_eq!(masked_url(&pairs), "host=h password=*** user=u");
            let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let parameter = format!("postgresql://user@host/db?password={encoded}&x=1");
            prop_assert_eq!(masked_url(&parameter), "postgresql://user@host/db?password=***&x=1");
        }
    }
}
