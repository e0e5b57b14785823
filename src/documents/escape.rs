//! Makes foreign text plain in Markdown: what a client or a vendor wrote can't become a heading,
//! a link, HTML or a table cell of its own.
//!
//! A backslash before ASCII punctuation makes it literal (CommonMark 0.31 §2.4), also in the
//! tables of GitHub's dialect. Line breaks become blanks.

/// Signs that mean something inside a line.
const INLINE: &[char] = &['\\', '`', '*', '_', '[', ']', '<', '>', '&', '|', '~', '#', '$'];

/// Text for inside a line or a table cell.
pub(super) fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => {
                if !escaped.ends_with(' ') {
                    escaped.push(' ');
                }
            }
            // Bare addresses become links in GitHub's dialect.
            ':' if behind.starts_with("//") => escaped.push_str("\\:"),
            '.' if escaped.to_ascii_lowercase().ends_with("www") => escaped.push_str("\\."),
            c if INLINE.contains(&c) => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
        rest = behind;
    }
    escaped
}

/// Text that makes a paragraph of its own: its first signs can't begin a list, a heading or a
/// rule either.
pub(super) fn paragraph(text: &str) -> String {
    let escaped = inline(text);
    let digits = escaped.bytes().take_while(u8::is_ascii_digit).count();
    match escaped.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 => {
            format!("{}\\{}", &escaped[..digits], &escaped[digits..])
        }
        Some(b'-' | b'+' | b'=') if digits == 0 => format!("\\{escaped}"),
        _ => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        for (text, expected) in [
            ("Fig & Sons", r"Fig \& Sons"),
            ("<script>x</script>", r"\<script\>x\</script\>"),
            ("[a](http://b)", r"\[a\](http\://b)"),
            ("a | b", r"a \| b"),
            ("**b** _i_ `c` ~~s~~", r"\*\*b\*\* \_i\_ \`c\` \~\~s\~\~"),
            ("a\n# b\r\n\n- c", r"a \# b - c"),
            ("www.example.com", r"www\.example.com"),
            ("back\\slash", r"back\\slash"),
            ("rtl\u{202e}txt", "rtltxt"),
        ] {
            assert_eq!(inline(text), expected);
        }
        for (text, expected) in
            [("- a", r"\- a"), ("12. a", r"12\. a"), ("12 a", "12 a"), ("+b", r"\+b"), ("", "")]
        {
            assert_eq!(paragraph(text), expected);
        }
    }
}
