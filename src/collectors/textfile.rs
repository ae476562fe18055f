//! `*.prom` of the directories that `--collector.textfile.directory` names: what other programs
//! left there for Prometheus, in its own format.
//!
//! A file counts whole or not at all: one that is cut off, says when it was measured, or has a
//! family of ours, costs itself and sets `node_textfile_scrape_error`, never the page. This
//! collector runs after all others, so that it knows their families.

use crate::format::parse::{ReadFamily, parse};
use crate::format::{Family, Kind, Page, Value, gauge};
use crate::machine::{Error, Machine, Names};
use crate::settings::Settings;
use crate::text::glob::{glob, is_glob};
use crate::text::scan::rsplit_once;

const MTIME: [Family; 1] = [gauge!("node_textfile_mtime_seconds", "Unixtime mtime of textfiles successfully read.")];
const FAILED: Family =
    gauge!("node_textfile_scrape_error", "1 if there was an error opening or reading a file, 0 otherwise");

/// What the names of a histogram's or a summary's samples have behind the family's.
const PARTS: [&[u8]; 3] = [b"_bucket", b"_sum", b"_count"];

/// More directories than a pattern should find.
const MOST_DIRECTORIES: usize = 256;

/// Adds the families of the files, and when each was written.
///
/// # Errors
/// None: `node_textfile_scrape_error` reports what went wrong.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    // No file may have these two either.
    page.family(&MTIME[0]).family(&FAILED);
    let own = page.family_count();
    let mut changed = Vec::new();
    let mut has_failed = false;
    for pattern in &settings.textfile_directories {
        let pattern = without_slash(pattern.as_bytes());
        let mut is_there = false;
        for directory in &directories(machine, pattern) {
            let Ok(names) = machine.given_names(directory) else { continue };
            is_there = true;
            for name in sorted(&names, &|name| name.ends_with(b".prom")) {
                let path = [directory.as_slice(), b"/", name].concat();
                match add_file(machine, page, own, directory, name, &path) {
                    Some(time) => changed.push((path, time)),
                    None => has_failed = true,
                }
            }
        }
        if !is_there {
            has_failed = true;
            if let Err(error) = machine.given_names(pattern) {
                machine.skip(error);
            }
        }
    }
    let mut table = page.table(&MTIME);
    for (path, time) in &changed {
        table.row().label("file", path).cell(Some(Value::from(*time)));
    }
    table.finish();
    page.single(&FAILED, has_failed);
    Ok(())
}

/// A path without the slash at its end, unless it is the root's.
fn without_slash(path: &[u8]) -> &[u8] {
    match path.strip_suffix(b"/") {
        Some(shorter) if !shorter.is_empty() => without_slash(shorter),
        _ => path,
    }
}

/// The paths that a pattern stands for, whatever is there.
fn directories(machine: &Machine, pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut found = vec![Vec::new()];
    for part in pattern.split_inclusive(|&byte| byte == b'/') {
        if !is_glob(part) {
            for path in &mut found {
                path.extend_from_slice(part);
            }
            continue;
        }
        let (part, end) = part.strip_suffix(b"/").map_or((part, &b""[..]), |part| (part, b"/"));
        let Some(pattern) = glob(part) else { return Vec::new() };
        let mut matching = Vec::new();
        for path in &found {
            let Ok(names) = machine.given_names(path) else { continue };
            for name in sorted(&names, &|name| pattern.is_match(&String::from_utf8_lossy(name))) {
                matching.push([path, name, end].concat());
            }
        }
        matching.truncate(MOST_DIRECTORIES);
        found = matching;
    }
    found
}

/// The names that are wanted, sorted.
fn sorted<'n>(names: &'n Names, is_wanted: &dyn Fn(&[u8]) -> bool) -> Vec<&'n [u8]> {
    let mut sorted: Vec<_> = names.iter().filter(|name| is_wanted(name)).collect();
    sorted.sort_unstable();
    sorted
}

/// Adds a file's families after the first `own` of the page, and answers when the file was changed;
/// `None` if it has a fault, which is reported.
fn add_file(machine: &Machine, page: &mut Page, own: usize, directory: &[u8], name: &[u8], path: &[u8]) -> Option<i64> {
    let (text, changed) = machine.given_file(directory, name).map_err(|error| machine.skip(error)).ok()?;
    let families = parse(&text).map_err(|fault| text.skip(fault)).ok()?;
    let mark = page.mark();
    let fault = families.iter().find(|family| {
        let is_good = agrees(page, own, family) && is_apart(page, family);
        if is_good {
            add(page, family, path);
        }
        !is_good || has_doubles(page, family.name)
    });
    if let Some(family) = fault {
        page.cut(mark);
        text.skip(family.name);
        return None;
    }
    Some(changed)
}

/// Whether the page has no such family, or one of an earlier file that says the same of itself.
fn agrees(page: &Page, own: usize, family: &ReadFamily) -> bool {
    let Some((place, head)) = page.head(family.name) else { return true };
    let Some((help, kind)) = rsplit_once(head.trim_ascii_end(), b' ') else { return false };
    let says = |said: &[u8]| help.strip_prefix(said).is_some_and(|rest| rest.starts_with(b"\n"));
    place >= own && kind == family.kind().word() && family.help.is_none_or(says)
}

fn add(page: &mut Page, family: &ReadFamily, path: &[u8]) {
    match family.help {
        Some(help) => page.verbatim_family(family.name, help, family.kind()),
        None => {
            page.named_family(&[family.name], &[b"Metric read from ", path], family.kind());
        }
    }
    let mut labels = Vec::new();
    for sample in &family.samples {
        // To Prometheus a label that is empty is none, and the order says nothing.
        labels.clear();
        for label in sample.labels().filter(|(_, value)| !value.is_empty()) {
            let at = labels.iter().position(|known| *known > label).unwrap_or(labels.len());
            labels.insert(at, label);
        }
        page.verbatim_sample(sample.name, &labels, sample.value);
    }
}

/// Whether no sample can have the name of another family's, as `a_count` of a histogram `a` has that
/// of a family `a_count`.
fn is_apart(page: &Page, family: &ReadFamily) -> bool {
    let has_parts = |kind: Kind| matches!(kind, Kind::Histogram | Kind::Summary);
    let of_parts = |head: &[u8]| head.ends_with(b" histogram\n") || head.ends_with(b" summary\n");
    PARTS.iter().all(|part| {
        let is_whole = !has_parts(family.kind()) || page.head(&[family.name, part].concat()).is_none();
        let whole = family.name.strip_suffix(*part).and_then(|whole| page.head(whole));
        is_whole && !whole.is_some_and(|(_, head)| of_parts(head))
    })
}

/// Whether two samples have the same name and labels; Prometheus would drop one and complain.
fn has_doubles(page: &Page, name: &[u8]) -> bool {
    let mut series = page.samples(name);
    for sample in &mut series {
        *sample = rsplit_once(sample, b' ').map_or(*sample, |(series, _)| series);
    }
    series.sort_unstable();
    !series.is_sorted_by(|one, other| one < other)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::format::Sorted;

    /// A directory of its own for a test.
    fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("router_exporter-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for (file, text) in files {
            fs::write(path.join(file), text).unwrap();
        }
        path
    }

    /// What the collector adds to a page that has `node_load1`, without times and the directory.
    fn collected(directories: &[&str]) -> String {
        let machine = Machine::default();
        let textfile_directories = directories.iter().map(|path| &*(*path).to_owned().leak()).collect();
        let settings = Settings { textfile_directories, ..Settings::default() };
        let (mut page, mut out) = (Page::default(), Sorted::default());
        page.single(&gauge!("node_load1", "1m load average."), true);
        collect(&settings, &machine, &mut page).unwrap();
        page.write(&mut out, |name| name != b"node_load1" && name != MTIME[0].name());
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn of_files(name: &str, files: &[(&str, &str)]) -> String {
        let path = directory(name, files);
        let path = path.to_str().unwrap();
        let text = collected(&[path]).replace(path, "DIR");
        fs::remove_dir_all(path).unwrap();
        text
    }

    fn failed(text: &str) -> bool {
        text.ends_with("\nnode_textfile_scrape_error 1\n")
    }

    #[test]
    fn real() {
        let text = "# HELP wan_up Whether the line is up.\n# TYPE wan_up gauge\nwan_up{ line = \"a\" } 1\nb 2\nwan_up{line=\"b\"} 0\n";
        let page = of_files("real", &[("a.prom", text), ("a.prom.tmp", "half"), ("readme", "no")]);
        assert_eq!(
            page,
            "# HELP b Metric read from DIR/a.prom\n# TYPE b untyped\nb 2\n\
            # HELP node_textfile_scrape_error 1 if there was an error opening or reading a file, 0 otherwise\n\
            # TYPE node_textfile_scrape_error gauge\nnode_textfile_scrape_error 0\n\
            # HELP wan_up Whether the line is up.\n# TYPE wan_up gauge\nwan_up{line=\"a\"} 1\nwan_up{line=\"b\"} 0\n"
        );
        assert!(!failed(&of_files("none", &[])));
    }

    #[test]
    fn a_bad_file_costs_itself() {
        for (name, bad) in [
            ("cut", "a 1\nb 12"),
            ("time", "a 1\nb 1 1700000000000\n"),
            ("ours", "a 1\nnode_load1 1\n"),
            ("own", "a 1\nnode_textfile_scrape_error 1\n"),
            ("doubles", "a 1\nb{c=\"d\"} 1\nb{c = \"d\"} 2\n"),
            ("reordered", "a 1\nb{c=\"d\",e=\"f\"} 1\nb{e=\"f\",c=\"d\"} 2\n"),
            ("empty", "a 1\nb{c=\"\",e=\"f\"} 1\nb{e=\"f\"} 2\n"),
            ("none", "a 1\nb{c=\"\"} 1\nb 2\n"),
            ("part-first", "a 1\nb_count 1\n# TYPE b histogram\nb_count 2\n"),
            ("part-last", "a 1\n# TYPE b summary\nb_sum 2\n# TYPE b_sum counter\nb_sum 1\n"),
            ("range", "a 1\nb 1e999\n"),
        ] {
            let page = of_files(name, &[("1.prom", bad), ("2.prom", "good 1\n")]);
            assert!(!page.contains("\na 1\n") && page.contains("\ngood 1\n"), "{page}");
            assert!(page.contains("\nnode_textfile_scrape_error 1\n"), "{page}");
        }
    }

    #[test]
    fn files_may_share_a_family_if_they_agree() {
        let head = "# HELP a One.\n# TYPE a gauge\n";
        let first = ("1.prom", &*format!("{head}a{{f=\"1\"}} 1\n"));
        let shared = |name, second: &str| of_files(name, &[first, ("2.prom", second)]);
        let both = "# HELP a One.\n# TYPE a gauge\na{f=\"1\"} 1\na{f=\"2\"} 2\n";
        assert!(shared("same", &format!("{head}a{{f=\"2\"}} 2\n")).starts_with(both));
        assert!(shared("no-help", "# TYPE a gauge\na{f=\"2\"} 2\n").starts_with(both));
        for (name, second) in [
            ("other-kind", "# TYPE a counter\na{f=\"2\"} 2\n"),
            ("other-help", "# HELP a Other.\n# TYPE a gauge\na{f=\"2\"} 2\n"),
            ("longer-help", "# HELP a One. More.\n# TYPE a gauge\na{f=\"2\"} 2\n"),
            ("same-series", "# TYPE a gauge\na{f=\"1\"} 2\n"),
            ("empty-label", "# TYPE a gauge\na{e=\"\",f=\"1\"} 2\n"),
            ("part", "# TYPE a_sum gauge\na_sum 1\n# TYPE a summary\na_sum 2\n"),
        ] {
            let page = shared(name, second);
            assert!(page.contains("\na{f=\"1\"} 1\n") && failed(&page) && page.lines().count() == 6, "{page}");
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let path = directory("odd", &[]);
        let there = |name: &str| path.join(name);
        std::os::unix::fs::symlink("/dev/zero", there("zero.prom")).unwrap();
        assert!(failed(&collected(&[path.to_str().unwrap()])));
        fs::remove_file(there("zero.prom")).unwrap();
        fs::create_dir(there("directory.prom")).unwrap();
        assert!(failed(&collected(&[path.to_str().unwrap()])));
        fs::remove_dir(there("directory.prom")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, there("pipe.prom"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .unwrap();
        assert!(failed(&collected(&[path.to_str().unwrap()])));
        fs::remove_file(there("pipe.prom")).unwrap();
        fs::File::create(there("huge.prom")).unwrap().set_len(100 << 20).unwrap();
        assert!(failed(&collected(&[path.to_str().unwrap()])));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn directories_by_pattern() {
        let path = directory("glob", &[]);
        for name in ["b", "a", "other"] {
            fs::create_dir_all(path.join(name).join("prom")).unwrap();
            fs::write(path.join(name).join("prom/x.prom"), format!("{name} 1\n")).unwrap();
        }
        fs::create_dir(path.join("c")).unwrap();
        let pattern = |end: &str| format!("{}/{end}", path.to_str().unwrap());
        let page = collected(&[&pattern("[a-c]/prom/")]);
        assert!(page.contains("\na 1\n") && page.contains("\nb 1\n") && !page.contains("other 1"), "{page}");
        assert!(page.contains("/b/prom/x.prom") && page.contains("\nnode_textfile_scrape_error 0\n"), "{page}");
        assert!(failed(&collected(&[&pattern("[x-z]")])));
        assert!(failed(&collected(&[&pattern("missing")])));
        fs::remove_dir_all(path).unwrap();
    }
}
