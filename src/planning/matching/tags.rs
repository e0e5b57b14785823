//! When two tags are the same: people write "Open-Air", "open air" and "open_air".

/// A tag for comparison: lowercase, without spaces, hyphens and underscores.
pub(crate) fn tag_key(tag: &str) -> String {
    key_chars(tag).collect()
}

/// Whether a tag as written has the key, without building the tag's own.
pub(crate) fn has_key(tag: &str, key: &str) -> bool {
    key_chars(tag).eq(key.chars())
}

fn key_chars(tag: &str) -> impl Iterator<Item = char> {
    let is_gap = |c: &char| c.is_whitespace() || *c == '-' || *c == '_';
    tag.chars().filter(move |c| !is_gap(c)).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_tell_tags_apart() {
        for tag in ["open air", "Open-Air", " OPEN_AIR "] {
            assert!(has_key(tag, "openair"), "{tag}");
            assert_eq!(tag_key(tag), "openair");
        }
        assert!(!has_key("open", "openair"));
    }
}
