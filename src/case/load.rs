//! Case files and manifests from paths that a user names.

use super::Case;
use super::read::read;
use crate::diagnostic::{Diagnostic, yaml};
use crate::pod::Missing;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The file of known differences in a folder of cases.
pub(super) const KNOWN: &str = "known.yaml";
/// The file of properties that no case shows.
pub(super) const UNCOVERED: &str = "uncovered.yaml";
/// Files in a folder of cases that are none.
pub(super) const NO_CASES: [&str; 2] = [KNOWN, UNCOVERED];

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What paths gave.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Cases and Pods without a fault.
    pub cases: Vec<Case>,
    /// What is wrong with the others.
    pub faults: Vec<Diagnostic>,
}

/// Loads each path once: a case, a plain manifest, or a folder with such files (`.yaml`, `.yml`, `.json`) in it at any depth,
/// sorted. All of it must be well: nothing is run by half, and nothing stands in for what a Pod takes from elsewhere.
///
/// # Errors
/// All faults of all files; a path that is not there, a folder without a case.
pub fn load(paths: &[PathBuf]) -> Result<Vec<Case>, Vec<Diagnostic>> {
    let Loaded { cases, faults } = load_each(paths, Missing::Refuse);
    if faults.is_empty() { Ok(cases) } else { Err(faults) }
}

/// The same, but a file with a fault does not stop the others, and `-` is a manifest or case on standard input.
pub fn load_each(paths: &[PathBuf], missing: Missing) -> Loaded {
    let mut loaded = Loaded::default();
    let mut all: Vec<Named> = Vec::new();
    for path in paths {
        if path.as_os_str() == STANDARD_INPUT {
            all.push(Named { file: path.clone(), id: "stdin".to_owned(), in_folder: false });
            continue;
        }
        match files(path) {
            Err(fault) => loaded.faults.push(*fault),
            Ok(files) => all.extend(files.into_iter().map(|(file, id)| Named { in_folder: file != *path, file, id })),
        }
    }
    for Named { file, id, in_folder } in told_apart(all) {
        let (label, text) = match file.as_os_str() == STANDARD_INPUT {
            true => (Path::new("<stdin>"), yaml::read_from(std::io::stdin().lock(), Path::new("<stdin>"))),
            false => (file.as_path(), yaml::read(&file)),
        };
        match text.map(|text| read(&text, label, &id, missing, in_folder)) {
            Ok(more) => {
                loaded.cases.extend(more.cases);
                loaded.faults.extend(more.faults);
            }
            Err(faults) => loaded.faults.extend(faults),
        }
    }
    loaded
}

/// A file, what its cases are called, and whether a folder was named rather than the file.
struct Named {
    file: PathBuf,
    id: String,
    in_folder: bool,
}

/// The files, each once however often it was named. Those that would have the same id are called by their whole paths.
fn told_apart(files: Vec<Named>) -> Vec<Named> {
    let mut seen = HashSet::new();
    let real = |file: &Path| std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut files: Vec<Named> = files.into_iter().filter(|named| seen.insert(real(&named.file))).collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    files.iter().for_each(|named| *count.entry(named.id.clone()).or_default() += 1);
    let whole = |file: &Path| file.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
    for named in files.iter_mut().filter(|named| count.get(&named.id).is_some_and(|count| *count > 1)) {
        named.id = whole(&named.file).to_string_lossy().into_owned();
    }
    files
}

/// The case files of a path, each with its id.
///
/// # Errors
/// There is no such path, or no case in that folder.
pub fn files(path: &Path) -> Result<Vec<(PathBuf, String)>, Box<Diagnostic>> {
    let cannot = |error: &std::io::Error| Box::new(Diagnostic::of_file(path, format!("cannot read it: {error}"), ""));
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let help = "name a case, a folder of cases, or a Pod manifest";
            Box::new(Diagnostic::of_file(path, "there is no such file or folder", help))
        }
        _ => cannot(&error),
    })?;
    if !metadata.is_dir() {
        return Ok(vec![(path.to_owned(), id(path, None))]);
    }
    let mut found = Vec::new();
    collect(path, 0, &mut found).map_err(|error| cannot(&error))?;
    found.sort();
    if found.is_empty() {
        let help = "a case is a .yaml, .yml or .json file";
        return Err(Box::new(Diagnostic::of_file(path, "there is no case in this folder", help)));
    }
    Ok(found.into_iter().map(|file| (file.clone(), id(&file, Some(path)))).collect())
}

fn collect(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    // A symbolic link may lead back up.
    if depth > 16 {
        return Ok(());
    }
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let hidden = path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with('.'));
        let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        if hidden {
            continue;
        } else if path.is_dir() {
            collect(&path, depth + 1, found)?;
        } else if matches!(extension, "yaml" | "yml" | "json") && !NO_CASES.iter().any(|name| path.ends_with(name)) {
            found.push(path);
        }
    }
    Ok(())
}

/// The id of a file: its path below the last folder called `cases`, or below the folder that was named, without its
/// extension; the file's name if neither holds it.
fn id(file: &Path, folder: Option<&Path>) -> String {
    let parts: Vec<&OsStr> = file.iter().collect();
    let inner = parts.len().saturating_sub(1);
    let below_cases = parts[..inner]
        .iter()
        .rposition(|part| *part == "cases")
        .map(|index| parts[index + 1..].iter().collect::<PathBuf>());
    let below_folder = || folder.and_then(|folder| file.strip_prefix(folder).ok()).map(Path::to_owned);
    match below_cases.or_else(below_folder) {
        Some(path) => path.with_extension("").to_string_lossy().into_owned(),
        None => file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}]}\n";
    const MANIFEST: &str =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: b}]}\n";

    #[test]
    fn ids() {
        for (file, folder, expected) in [
            ("cases/pod/article.yaml", None, "pod/article"),
            ("/x/cases/a/cases/b/c.yaml", None, "b/c"),
            ("cases/pod/article.yaml", Some("cases"), "pod/article"),
            ("mine/net/a.b.yaml", Some("mine"), "net/a.b"),
            ("mine/pod.yaml", None, "pod.yaml"),
            ("cases", None, "cases"),
        ] {
            assert_eq!(id(Path::new(file), folder.map(Path::new)), expected);
        }
    }

    #[test]
    fn two_files_never_have_the_same_id_and_one_file_is_one_case() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["bad", "mix/cases/net", "other/cases/net"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for name in ["bad/good.yaml", "mix/good.yaml"] {
            std::fs::write(root.join(name), MANIFEST).unwrap();
        }
        for name in ["mix/cases/net/a.yaml", "other/cases/net/a.yaml", "bad/a.yaml", "bad/a.yml"] {
            std::fs::write(root.join(name), CASE).unwrap();
        }
        let ids = |paths: &[&str]| -> Vec<String> {
            let cases = load(&paths.iter().map(|path| root.join(path)).collect::<Vec<_>>()).unwrap();
            let short = |id: String| id.replace(&format!("{}/", root.display()), "");
            cases.into_iter().map(|case| short(case.id)).collect()
        };
        assert_eq!(ids(&["bad/good.yaml", "mix/good.yaml"]), ["bad/good.yaml", "mix/good.yaml"]);
        assert_eq!(ids(&["mix/cases", "other/cases"]), ["mix/cases/net/a.yaml", "other/cases/net/a.yaml"]);
        assert_eq!(ids(&["bad"]), ["bad/a.yaml", "bad/a.yml", "good"]);
        assert_eq!(ids(&["bad/good.yaml", "bad/../bad/good.yaml"]), ["good.yaml"]);
        assert_eq!(ids(&["mix/cases", "mix/cases/net/a.yaml"]), ["net/a"]);
    }

    #[test]
    fn folders_files_and_what_is_neither() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("net/deep")).unwrap();
        std::fs::create_dir_all(root.join("empty")).unwrap();
        for (name, text) in [
            ("net/b.yaml", CASE),
            ("net/deep/a.yml", CASE),
            ("a.json", CASE),
            ("known.yaml", "[]"),
            ("uncovered.yaml", "[]"),
            (".hidden.yaml", "broken: ["),
            ("README.md", "not a case"),
            ("net/plain.yaml", MANIFEST),
        ] {
            std::fs::write(root.join(name), text).unwrap();
        }
        let cases = load(&[root.to_owned()]).unwrap();
        let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, ["a", "net/b", "net/deep/a", "net/plain"]);
        let one = load(&[root.join("net/plain.yaml")]).unwrap();
        assert_eq!((one[0].id.as_str(), one[0].pod.name.as_str()), ("plain.yaml", "x"));

        let faults = load(&[root.join("empty"), root.join("missing")]).unwrap_err();
        let texts: Vec<String> =
            faults.iter().map(|f| f.to_string().replace(&format!("{}/", root.display()), "")).collect();
        assert_eq!(
            texts,
            [
                "empty:1:1: there is no case in this folder (a case is a .yaml, .yml or .json file)",
                "missing:1:1: there is no such file or folder (name a case, a folder of cases, or a Pod manifest)",
            ]
        );
    }
}
