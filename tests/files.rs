//! What is read of a machine's files, and how much of them.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use router_exporter::machine::{Error, Machine, Paths};

fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn fault<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Fault(fault)) => fault.to_string(),
        Err(Error::Absent) => "absent".to_owned(),
        Ok(_) => "read".to_owned(),
    }
}

#[test]
fn a_file_without_an_end_is_too_large() {
    let directory = directory("large");
    fs::write(directory.join("much"), vec![b'x'; 3 << 20]).unwrap();
    fs::write(directory.join("more"), vec![b'x'; 9 << 20]).unwrap();
    symlink("/dev/zero", directory.join("endless")).unwrap();
    let procfs: &str = directory.to_str().unwrap().to_owned().leak();
    let machine = Machine::new(Paths { procfs, ..Paths::default() });
    assert_eq!(machine.proc(&[b"much"]).unwrap().len(), 3 << 20);
    for name in ["more", "endless"] {
        assert_eq!(fault(machine.proc(&[name.as_bytes()])), format!("{procfs}/{name}: file too large"));
    }
}

#[test]
fn what_an_option_names_is_a_plain_file_of_a_megabyte_at_most() {
    let directory = directory("given");
    fs::write(directory.join("long"), vec![b'x'; 2 << 20]).unwrap();
    fs::write(directory.join("short"), "1").unwrap();
    symlink("/dev/null", directory.join("device")).unwrap();
    let machine = Machine::default();
    let given = |name: &str| {
        let path = directory.to_str().unwrap();
        let fault = fault(machine.given_file(path.as_bytes(), name.as_bytes()));
        fault.rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!(given("short"), "read");
    assert_eq!(given("long"), "long: file too large");
    assert_eq!(given("device"), "device: invalid argument");
    assert_eq!(given("missing"), "missing: no such file or directory");
}

#[test]
fn the_clock_has_fractions_of_a_second() {
    let machine = Machine::default();
    let times = (0..3).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(2));
        machine.now()
    });
    assert!(times.into_iter().any(|time| time % 1_000_000_000 != 0));
}
