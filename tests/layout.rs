//! The floors of `src`: who may know whom, and how long a file may be.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the roof down. A room imports only from those below it.
const FLOORS: [&str; 12] = [
    "main",
    "arguments",
    "scrape",
    "collectors",
    "settings",
    "server",
    "filter",
    "machine",
    "format",
    "process",
    "built",
    "text",
];

/// The most lines of a file with its tests.
const LONGEST: usize = 400;

/// Files that may be longer for a table of data.
const WITH_A_TABLE: [&str; 1] = ["collectors/netclass.rs"];

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The files of `src` by their paths below it, and what is in them.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    found.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    found.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// The floor of a room, counted from the roof.
fn floor(room: &str) -> usize {
    let floor = FLOORS.iter().position(|known| *known == room);
    assert!(floor.is_some(), "no floor has the room '{room}'");
    floor.unwrap()
}

#[test]
fn imports_run_downwards() {
    for (file, text) in sources() {
        let room = file.split(['/', '.']).next().unwrap();
        if room == "lib" {
            continue;
        }
        let names = ["crate::", "router_exporter::"].iter().flat_map(|root| text.split(root).skip(1));
        for name in names {
            let end = name.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(name.len());
            // Not a path: the program's own name, or several rooms at once, which rustfmt does not make.
            let Some(other) = name.get(..end).filter(|name| !name.is_empty()) else { continue };
            assert!(other == room || floor(other) > floor(room), "{file} imports from '{other}', above it");
        }
    }
}

#[test]
fn files_are_short() {
    for (file, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST || WITH_A_TABLE.contains(&file.as_str()), "{file} has {lines} lines");
    }
}

#[test]
fn unsafe_code_has_two_files() {
    for (file, text) in sources() {
        let may = ["process/allocator.rs", "process/syscalls.rs"].contains(&file.as_str());
        assert!(may || !text.contains("allow(unsafe_code)"), "{file} allows unsafe code");
    }
}

#[test]
fn a_types_name_stands_for_one_thing() {
    let mut declared: Vec<(String, String)> = Vec::new();
    for (file, text) in sources() {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for line in code.lines().map(str::trim_start) {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let is_head = |word: &&str| ["struct", "enum", "trait", "type", "union"].contains(word);
            let Some(name) = words.find(is_head).and_then(|_| words.next()) else { continue };
            // Others say how these are called.
            if line.starts_with("//") || name == "Target" || !name.starts_with(char::is_uppercase) {
                continue;
            }
            declared.push((name.to_owned(), file.clone()));
        }
    }
    declared.sort();
    let twice: Vec<_> = declared.windows(2).filter(|pair| pair[0].0 == pair[1].0).collect();
    assert!(declared.len() > 100 && twice.is_empty(), "{twice:?}");
}
