//! What the log says while a machine changes: each change once, and nothing while none comes.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::exporter::{Running, get};

const LOADAVG: &str = "0.10 0.20 0.30 1/100 4000\n";
const INTERFACES: &str = "Inter-| Receive\n face |bytes\n";
const INTERFACE: &str = ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";

/// A directory with a machine's files, gone with the value.
struct Board(PathBuf);

impl Board {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        for directory in ["proc/net", "sys", "textfile"] {
            fs::create_dir_all(path.join(directory)).unwrap();
        }
        let board = Self(path);
        board.write("proc/loadavg", LOADAVG);
        board.write("proc/net/dev", &format!("{INTERFACES}eth0{INTERFACE}eth1{INTERFACE}"));
        board.write("textfile/a.prom", "a 1\n");
        board.write("textfile/b.prom", "b 1\n");
        board
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    fn start(&self, more: &[&str]) -> Running {
        let path = |below: &str| format!("{}/{below}", self.0.display());
        let options = [
            format!("--path.procfs={}", path("proc")),
            format!("--path.sysfs={}", path("sys")),
            format!("--collector.textfile.directory={}", path("textfile")),
        ];
        let mut options: Vec<&str> = options.iter().map(String::as_str).collect();
        options.extend(["--collector.disable-defaults", "--collector.loadavg", "--collector.netdev"]);
        options.push("--collector.textfile");
        options.extend(more);
        Running::start(&options)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The log of an exporter that is asked twice after each of `changes`, without the board's path.
fn told(name: &str, options: &[&str], changes: &[&dyn Fn(&Board)]) -> Vec<String> {
    let board = Board::new(name);
    let exporter = board.start(options);
    let ask_twice = || [(); 2].map(|()| assert_eq!(exporter.ask(&get("/metrics")).status, 200));
    ask_twice();
    for change in changes {
        change(&board);
        ask_twice();
    }
    let root = board.0.display().to_string();
    exporter.end().iter().map(|line| line.replace(&root, "")).collect()
}

#[test]
fn a_collector_that_fails_is_told_when_that_changes() {
    let lines = told(
        "log-fails",
        &[],
        &[
            &|board| fs::remove_file(board.0.join("proc/loadavg")).unwrap(),
            &|board| board.write("proc/loadavg", "0.10 odd\n"),
            &|board| board.write("proc/loadavg", "0.20 odd\n"),
            &|board| board.write("proc/loadavg", "0.20 other\n"),
            &|board| fs::remove_file(board.0.join("proc/loadavg")).unwrap(),
            &|board| fs::create_dir(board.0.join("proc/loadavg")).unwrap(),
            &|board| fs::remove_dir(board.0.join("proc/loadavg")).unwrap(),
            &|board| board.write("proc/loadavg", LOADAVG),
            &|board| fs::remove_file(board.0.join("proc/loadavg")).unwrap(),
            &|board| board.write("proc/loadavg", LOADAVG),
            &|board| board.write("proc/loadavg", "0.10 odd\n"),
        ],
    );
    assert_eq!(
        lines,
        [
            r#"ERROR msg="collector failed" name=loadavg err="/proc/loadavg: unexpected '0.10 odd\n'""#,
            r#"ERROR msg="collector failed" name=loadavg err="/proc/loadavg: unexpected '0.20 other\n'""#,
            r#"INFO msg="collector has nothing to report" name=loadavg err="not on this machine""#,
            r#"ERROR msg="collector failed" name=loadavg err="/proc/loadavg: is a directory""#,
            r#"INFO msg="collector has nothing to report" name=loadavg err="not on this machine""#,
            r#"INFO msg="collector is well again" name=loadavg"#,
            r#"ERROR msg="collector failed" name=loadavg err="/proc/loadavg: unexpected '0.10 odd\n'""#,
        ]
    );
}

#[test]
fn what_is_absent_is_told_to_who_debugs() {
    let lines = told(
        "log-absent",
        &["--log.level=debug"],
        &[&|board| fs::remove_file(board.0.join("proc/loadavg")).unwrap(), &|board| {
            board.write("proc/loadavg", LOADAVG)
        }],
    );
    assert_eq!(
        lines,
        [r#"DEBUG msg="collector has nothing to report" name=loadavg err="not on this machine""#],
        "hardware that appears has not been ill"
    );
}

#[test]
fn each_line_that_is_passed_over_is_told_once() {
    let interfaces = |lines: &str| format!("{INTERFACES}{lines}wan{INTERFACE}");
    let lines = told(
        "log-lines",
        &[],
        &[
            &|board| board.write("proc/net/dev", &interfaces("eth0 1 2 x\n")),
            &|board| board.write("proc/net/dev", &interfaces("eth0 3 4 x\n")),
            &|board| board.write("proc/net/dev", &interfaces("eth0 5 6 x\neth1 1 2 x\n")),
            &|board| board.write("proc/net/dev", &interfaces("eth1 3 4 x\n")),
            &|board| board.write("proc/net/dev", &interfaces("eth0 7 8 x\neth1 5 6 x\n")),
            &|board| board.write("proc/net/dev", &interfaces("")),
        ],
    );
    let fault =
        |line: &str| format!(r#"WARN msg="line passed over" name=netdev err="/proc/net/dev: unexpected '{line}'""#);
    let well = r#"INFO msg="collector is well again" name=netdev"#.to_owned();
    assert_eq!(lines, [fault("eth0 1 2 x"), fault("eth1 1 2 x"), fault("eth0 7 8 x"), well]);
}

#[test]
fn each_bad_textfile_is_told_once() {
    let lines = told(
        "log-textfiles",
        &[],
        &[
            &|board| board.write("textfile/a.prom", "a 1 2 3\n"),
            &|board| board.write("textfile/b.prom", "b 1 2 3\n"),
            &|board| board.write("textfile/a.prom", "a 1\n"),
            &|board| board.write("textfile/b.prom", "b 1\n"),
        ],
    );
    let fault = |file: &str, line: &str| {
        format!(r#"WARN msg="line passed over" name=textfile err="/textfile/{file}: unexpected '{line}'""#)
    };
    let well = r#"INFO msg="collector is well again" name=textfile"#.to_owned();
    assert_eq!(lines, [fault("a.prom", "a 1 2 3"), fault("b.prom", "b 1 2 3"), well]);
}

#[test]
fn an_interface_that_is_listened_on_is_named_once() {
    for interface in fs::read_dir("/sys/class/net").unwrap() {
        let interface = interface.unwrap().file_name().into_string().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let exporter = Running::start_on_interface(&interface, address);
        // It answers this machine too, on an interface that nobody has named.
        assert_eq!(exporter.ask(&get("/-/healthy")).status, 200);
        let line = format!("INFO msg=\"Listening on\" address={interface}:{}", address.port());
        assert_eq!(exporter.end(), [line]);
    }
}
