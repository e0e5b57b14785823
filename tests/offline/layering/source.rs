//! Sources as far as walls need them: which lines are for tests alone, and which paths are named.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// One `.rs` file of a room, without what is for tests alone.
pub struct Source {
    /// Below the room's folder.
    pub path: PathBuf,
    /// The modules that lead to it; empty for `lib.rs`.
    pub module: Vec<String>,
    /// For tests alone, by the declaration of its module.
    pub is_test: bool,
    /// Lines, comments and blank ones too, outside of `#[cfg(test)]`.
    pub lines: usize,
    pub uses: Vec<Use>,
    /// Paths named outside of `use`.
    pub paths: Vec<Vec<String>>,
}

/// One name that a `use` brings in.
pub struct Use {
    pub is_pub: bool,
    pub path: Vec<String>,
    /// What it is called here.
    pub name: String,
}

/// All files of a room, `lib.rs` and test files included.
pub fn sources(room: &Path) -> Vec<Source> {
    let mut all = Vec::new();
    let mut for_tests = BTreeSet::new();
    for path in rust_files(room) {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(room).unwrap().to_owned();
        let code = Code::new(&text);
        for_tests.extend(code.test_modules.iter().map(|declared| declared.stem(&path)));
        let (uses, paths) = named(&code.tokens);
        let lines = text.lines().count() - code.test_lines.len();
        let module = module_of(&path);
        all.push(Source { path, module, is_test: false, lines, uses, paths });
    }
    for source in &mut all {
        let stem = source.path.with_extension("");
        source.is_test = for_tests.iter().any(|for_tests| stem.starts_with(for_tests));
    }
    all
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn module_of(path: &Path) -> Vec<String> {
    let stem = path.with_extension("");
    let mut names: Vec<String> = stem.iter().map(|part| part.to_str().unwrap().into()).collect();
    names.pop_if(|last| last == "mod" || last == "lib");
    names
}

/// Code without comments, and without what `#[cfg(test)]` stands before.
struct Code {
    tokens: Vec<Token>,
    test_modules: Vec<TestModule>,
    test_lines: BTreeSet<usize>,
}

/// `#[cfg(test)] mod name;`, whose file may be named by `#[path]`.
struct TestModule {
    name: String,
    file: Option<String>,
}

impl TestModule {
    /// The file, or folder, that holds it, without an ending; `declared_in` is the file above.
    fn stem(&self, declared_in: &Path) -> PathBuf {
        let folder = declared_in.parent().unwrap();
        match &self.file {
            Some(file) => folder.join(file).with_extension(""),
            None if declared_in.ends_with("mod.rs") || declared_in.ends_with("lib.rs") => {
                folder.join(&self.name)
            }
            None => declared_in.with_extension("").join(&self.name),
        }
    }
}

impl Code {
    fn new(text: &str) -> Self {
        let all = tokens(text);
        let mut code =
            Self { tokens: Vec::new(), test_modules: vec![], test_lines: BTreeSet::new() };
        let mut at = 0;
        while let Some(token) = all.get(at) {
            let end = item_for_tests(&all[at..]).map(|length| at + length);
            let Some(end) = end else {
                code.tokens.push(token.clone());
                at += 1;
                continue;
            };
            code.test_lines.extend(token.line..=all[end - 1].line);
            code.test_modules.extend(declared_module(&all[at..end]));
            at = end;
        }
        code
    }
}

/// How many tokens the `#[cfg(test)]` here and its item are.
fn item_for_tests(tokens: &[Token]) -> Option<usize> {
    let cfg = ["#", "[", "cfg", "(", "test", ")", "]"];
    if tokens.len() < cfg.len() || tokens.iter().zip(cfg).any(|(token, text)| token.text != text) {
        return None;
    }
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(cfg.len()) {
        match token.text.as_str() {
            ";" if depth == 0 => return Some(at + 1),
            "(" | "[" | "{" => depth += 1,
            // The end of what the item lies in.
            ")" | "]" | "}" if depth == 0 => return Some(at),
            "}" if depth == 1 => return Some(at + 1),
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
    }
    Some(tokens.len())
}

fn declared_module(item: &[Token]) -> Option<TestModule> {
    let [.., keyword, name, end] = item else { return None };
    if keyword.text != "mod" || end.text != ";" {
        return None;
    }
    let path = item.windows(3).find(|three| three[0].text == "path" && three[1].text == "=");
    let file = path.map(|three| three[2].text.trim_matches('"').to_owned());
    Some(TestModule { name: name.text.clone(), file })
}

#[derive(Clone)]
struct Token {
    /// A name, a number, `::`, a string with its quotes, or one character.
    text: String,
    line: usize,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = length_of_token(rest, first);
        let (token, after) = rest.split_at(length);
        let is_comment = token.starts_with("//") || token.starts_with("/*");
        if !is_comment && !first.is_whitespace() {
            let text = token.strip_prefix("r#").filter(|name| is_word(name)).unwrap_or(token);
            tokens.push(Token { text: text.to_owned(), line });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

fn length_of_token(rest: &str, first: char) -> usize {
    let word = || rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if let Some(length) = string(rest) {
        return length;
    }
    match first {
        '\'' => character_or_lifetime(rest),
        'r' if rest.starts_with("r#") => {
            let name = &rest[2..];
            2 + name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len())
        }
        _ if first.is_alphanumeric() || first == '_' => word(),
        ':' if rest.starts_with("::") => 2,
        _ => first.len_utf8(),
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let step = match rest.as_bytes().get(at..at + 2) {
            Some(b"/*") => 1,
            Some(b"*/") => -1,
            _ => 0,
        };
        depth += step;
        at += if step == 0 { 1 } else { 2 };
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a string of any kind, prefix and quotes included.
fn string(rest: &str) -> Option<usize> {
    let prefix = rest.find(|c| !matches!(c, 'b' | 'c' | 'r')).filter(|length| *length <= 2)?;
    let behind = &rest[prefix..];
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    if !behind[hashes..].starts_with('"') {
        return None;
    }
    let start = prefix + hashes + 1;
    if rest[..prefix].ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return rest[start..].find(&end).map(|at| start + at + end.len());
    }
    if hashes > 0 {
        return None;
    }
    let mut is_escaped = false;
    for (at, c) in rest[start..].char_indices() {
        match c {
            '"' if !is_escaped => return Some(start + at + 1),
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    None
}

fn character_or_lifetime(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    let Some((at, c)) = chars.next() else { return 1 };
    if c == '\\' {
        return rest[at + 2..].find('\'').map_or(rest.len(), |end| at + 2 + end + 1);
    }
    match chars.next() {
        Some((end, '\'')) => end + 1,
        _ => 1,
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// What `use` brings in, and all other paths of at least two names.
fn named(tokens: &[Token]) -> (Vec<Use>, Vec<Vec<String>>) {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let (mut uses, mut paths) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        // Not the `use<'a>` of a bound.
        if text(at) == "use" && text(at + 1) != "<" {
            let is_pub = at > 0 && matches!(text(at - 1), "pub" | ")");
            at = use_tree(tokens, at + 1, Vec::new(), &mut |path, name| {
                uses.push(Use { is_pub, path, name });
            });
        } else if is_word(text(at)) && text(at + 1) == "::" {
            let mut path = vec![text(at).to_owned()];
            while text(at + 1) == "::" && is_word(text(at + 2)) {
                path.push(text(at + 2).to_owned());
                at += 2;
            }
            paths.push(path);
            at += 1;
        } else {
            at += 1;
        }
    }
    (uses, paths)
}

/// Reads one branch of a `use`; returns where it ends.
fn use_tree(
    tokens: &[Token],
    mut at: usize,
    mut path: Vec<String>,
    found: &mut dyn FnMut(Vec<String>, String),
) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    loop {
        match text(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while !matches!(text(at), "}" | "") {
                    at = use_tree(tokens, at, path.clone(), found);
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "self" if !path.is_empty() => at += 1,
            name if is_word(name) && name != "as" || name == "*" => {
                path.push(name.to_owned());
                at += 1;
            }
            _ => {
                let is_renamed = text(at) == "as";
                let own = path.last().cloned().unwrap_or_default();
                let name = if is_renamed { text(at + 1).to_owned() } else { own };
                found(path, name);
                return at + if is_renamed { 2 } else { 0 };
            }
        }
    }
}

#[test]
fn tests_strings_and_comments_are_left_out_and_every_path_is_read() {
    let text = r##"
            //! crate::comment::A
            use crate::{a::{self, B as C, *}, d};
            pub use super::super::e::F; /* crate::g::H /* nested */ crate::i::J */
            const X: &str = r#"crate::k::L "quoted" "#; const Y: char = '"'; const Z: u8 = b'\'';
            fn f<'m>(x: &'m str) -> impl Iterator + use<'m> { crate::n::o::<P>(x, "crate::q::r \"") }
            #[cfg(test)]
            #[path = "other_tests.rs"]
            mod tests;
            #[cfg(test)]
            use crate::s::{T, U};
            #[cfg(test)]
            fn g() { crate::v::w() }
            #[cfg(not(test))]
            use std::{env, sync as s};
        "##;
    let code = Code::new(text);
    let (uses, paths) = named(&code.tokens);
    let uses: Vec<String> = uses
        .iter()
        .map(|one| {
            let prefix = if one.is_pub { "pub " } else { "" };
            format!("{prefix}{} as {}", one.path.join("::"), one.name)
        })
        .collect();
    assert_eq!(
        uses,
        [
            "crate::a as a",
            "crate::a::B as C",
            "crate::a::* as *",
            "crate::d as d",
            "pub super::super::e::F as F",
            "std::env as env",
            "std::sync as s",
        ]
    );
    let paths: Vec<String> = paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["crate::n::o"]);
    assert_eq!(code.test_lines.len(), 7);
    let stems: Vec<PathBuf> = ["a/mod.rs", "a/b.rs"]
        .iter()
        .map(|file| code.test_modules[0].stem(Path::new(file)))
        .collect();
    assert_eq!(stems, [Path::new("a/other_tests"), Path::new("a/other_tests")]);
    let plain = TestModule { name: "tests".into(), file: None };
    assert_eq!(plain.stem(Path::new("a/b.rs")), Path::new("a/b/tests"));
    assert_eq!(plain.stem(Path::new("a/mod.rs")), Path::new("a/tests"));
}
