//! Connection URLs of the database: told from other texts, and shown without their password.

/// A connection URL whose password is shown as `***`, in the URL's or in the key-value form.
pub(crate) fn masked_url(url: &str) -> String {
    let mut masked = url.to_owned();
    if let Some(scheme_end) = url.find("://") {
        let rest = &url[scheme_end + 3..];
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        // A password may hold an `@` of its own: the last one ends the user's part.
        if let Some((user, host)) = authority.rsplit_once('@')
            && let Some((name, _)) = user.split_once(':')
        {
            let tail = &rest[authority.len()..];
            masked = format!("{}://{name}:***@{host}{tail}", &url[..scheme_end]);
        }
    }
    mask_parameter(&masked)
}

/// Masks `password=…`, which ends at `&` or, in the key-value form, at a blank outside quotes.
fn mask_parameter(text: &str) -> String {
    let Some(start) = text.find("password=") else { return text.to_owned() };
    let value = &text[start + 9..];
    let end = match value.strip_prefix('\'') {
        Some(quoted) => quoted.find('\'').map_or(value.len(), |i| i + 2),
        None => value.find(['&', ' ']).unwrap_or(value.len()),
    };
    format!("{}password=***{}", &text[..start], mask_parameter(&value[end..]))
}

pub(crate) fn is_database_url(url: &str) -> bool {
    url.is_empty()
        || url.starts_with("postgresql://")
        || url.starts_with("postgres://")
        || url.contains("host=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgresql://u:s3cret@h:5432/db", "postgresql://u:***@h:5432/db"),
            ("postgres://u:p@ss:w@h/db?sslmode=require", "postgres://u:***@h/db?sslmode=require"),
            ("postgresql://u@h/db?password=s3cret&x=1", "postgresql://u@h/db?password=***&x=1"),
            ("host=h user=u password=s3cret dbname=d", "host=h user=u password=*** dbname=d"),
            ("host=h password='s3 cret' user=u", "host=h password=*** user=u"),
            ("postgresql://u@h/db", "postgresql://u@h/db"),
            ("", ""),
        ] {
            assert_eq!(masked_url(url), shown);
        }
    }
}
