//! Which modules of this crate a source file names, read from its tokens: whatever is written over several lines, in braces,
//! by `super::` or within a macro.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::path::Path;

/// A path that leads to something of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Where it is written.
    pub line: usize,
    /// From the root of the crate, as far as it is written: `["judge", "contract"]`; empty for the crate as a whole.
    pub path: Vec<String>,
}

/// All of a file whose modules from the root of the crate are `module`.
pub fn named(text: &str, module: &[String]) -> Result<Vec<Named>, String> {
    let tokens: TokenStream = text.parse().map_err(|error| format!("no Rust: {error}"))?;
    let mut found = Vec::new();
    walk(tokens, module, &mut found);
    Ok(found)
}

/// The modules that a file below `src` is: `judge/contract/mod.rs` is `["judge", "contract"]`.
pub fn module_of(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

fn walk(tokens: TokenStream, module: &[String], found: &mut Vec<Named>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => {
                // `mod tests { … }` is one deeper.
                let inner = at.checked_sub(2).and_then(|before| match (&tokens[before], &tokens[before + 1]) {
                    (TokenTree::Ident(word), TokenTree::Ident(name)) if word == "mod" => Some(name.to_string()),
                    _ => None,
                });
                let module = [module, &Vec::from_iter(inner)].concat();
                walk(group.stream(), &module, found);
            }
            // Not the second word of a path, as in `foo::self`.
            TokenTree::Ident(word) if begins(&word.to_string()) && !is_colons(&tokens, at.wrapping_sub(2)) => {
                at = path(&tokens, at, module.to_vec(), found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

fn begins(word: &str) -> bool {
    ["crate", "super", "self"].contains(&word)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(at) && is_colon(at + 1)
}

/// Follows a path from its word at `at`, each branch of its braces for itself; says where it goes on behind it.
fn path(tokens: &[TokenTree], mut at: usize, mut here: Vec<String>, found: &mut Vec<Named>) -> usize {
    let line = tokens[at].span().start().line;
    // Alone, as in `pub(crate)` and `self.x`, the word names nothing.
    let mut is_path = false;
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => match word.to_string().as_str() {
                "crate" => here.clear(),
                "super" => drop(here.pop()),
                "self" => {}
                name => here.push(name.trim_start_matches("r#").to_owned()),
            },
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                branches(group.stream(), &here, found);
                return at + 1;
            }
            // `*`: all that is there.
            _ => break,
        }
        at += 1;
        if !is_colons(tokens, at) {
            break;
        }
        is_path = true;
        at += 2;
    }
    // `use crate as all;`
    is_path |= matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == "as");
    if is_path {
        found.push(Named { line, path: here });
    }
    at
}

/// What stands in the braces of a `use`, apart by commas.
fn branches(tokens: TokenStream, here: &[String], found: &mut Vec<Named>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    for branch in tokens.split(is_comma).filter(|branch| !branch.is_empty()) {
        let line = branch[0].span().start().line;
        let known = found.len();
        path(branch, 0, here.to_vec(), found);
        if found.len() == known && !matches!(branch.last(), Some(TokenTree::Group(_))) {
            let name = match &branch[0] {
                TokenTree::Ident(word) if word != "self" => Some(word.to_string()),
                _ => None,
            };
            found.push(Named { line, path: [here, &Vec::from_iter(name)].concat() });
        }
    }
}
