//! What the process allows itself, how it begins and how it ends.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::exporter::{Client, Running, get, run};

#[test]
fn the_slowest_makes_room_for_the_next() {
    let exporter = Running::start(&[]);
    let mut silent: Vec<Client> = (0..300).map(|_| Client::new(exporter.address)).collect();
    assert_eq!(exporter.ask(&get("/metrics")).status, 200);
    assert!(silent[0].is_closed());
    assert_eq!(silent[299].ask(&get("/-/healthy")).status, 200);
}

#[test]
fn few_descriptors_are_enough() {
    let exporter = Running::start_after("ulimit -n 16");
    let silent: Vec<Client> = (0..100).map(|_| Client::new(exporter.address)).collect();
    for _ in 0..3 {
        let page = exporter.ask(&get("/metrics"));
        assert!(page.body.contains("\nnode_load1 "), "{}", page.body);
    }
    drop(silent);
}

#[test]
fn a_port_that_is_taken_is_one_line_and_status_1() {
    let exporter = Running::start(&[]);
    let address = exporter.address.to_string();
    let second = run(&["--web.listen-address", &address]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.lines().count() == 1 && said.contains(&address) && said.contains("taken"), "{said}");
}

#[test]
fn what_makes_no_sense_is_one_line_and_status_2() {
    for option in [
        "--web.listen-address=vsock://:9100",
        "--web.listen-address=router.example.org:9100",
        "--web.listen-address=127.0.0.1:99999",
        "--web.allow=192.168.1.0/33",
        "--web.basic-auth-file=/absent",
        "--web.bearer-token-file=/dev/null",
        "--user=no such user",
        "--health=https://127.0.0.1:9100",
    ] {
        let output = run(&[option]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{option}: {said}");
    }
}

#[test]
fn signals_end_it_or_do_not() {
    let mut exporter = Running::start(&[]);
    exporter.signal("HUP");
    assert_eq!(exporter.ask(&get("/-/healthy")).status, 200);
    exporter.signal("TERM");
    assert_eq!(exporter.process.wait().unwrap().code(), Some(0));
}

/// An exporter that has few descriptors beside the one that listens, as its parent has left others open.
fn with_descriptors(limit: u8) -> Running {
    let inherited: String = (3..=9).map(|number| format!(" {number}</dev/null")).collect();
    Running::start_after(&format!("ulimit -n {limit} && exec{inherited}"))
}

#[test]
fn the_slowest_makes_room_where_no_descriptor_is_left() {
    let exporter = with_descriptors(13);
    // So many that none gets its turn by waiting for the others' patience to end.
    let mut silent = [(); 10].map(|()| Client::new(exporter.address));
    assert_eq!(exporter.ask(&get("/-/healthy")).status, 200);
    assert!(silent[0].is_closed());
}

#[test]
fn files_that_are_kept_open_make_room_where_no_descriptor_is_left() {
    let exporter = with_descriptors(15);
    for _ in 0..3 {
        assert!(exporter.ask(&get("/metrics")).body.contains("\nnode_load1 "));
    }
    // No collector has failed for want of a descriptor.
    assert_eq!(exporter.end(), [""; 0]);
}

#[test]
fn a_process_that_listens_gives_up_what_it_does_not_need() {
    // What the kernel has of an emulated process is QEMU's, which does not pass each limit on.
    if std::env::var_os("EMULATOR").is_some() {
        return;
    }
    let exporter = Running::start(&[]);
    assert_eq!(exporter.ask(&get("/-/healthy")).status, 200);
    let status = exporter.proc("status");
    assert!(status.contains("\nNoNewPrivs:\t1\n"), "{status}");
    let limits = exporter.proc("limits");
    for (name, most) in [("Max core file size", "0"), ("Max open files", "512"), ("Max address space", "67108864")] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let values: Vec<&str> = line.split_whitespace().take(2).collect();
        assert_eq!(values, [most, most], "{name}");
    }
    // What is nicer already stays so.
    let niceness =
        |stat: &str| -> i32 { stat.rsplit_once(')').unwrap().1.split(' ').nth(17).unwrap().parse().unwrap() };
    let own = niceness(&std::fs::read_to_string("/proc/self/stat").unwrap());
    assert_eq!(niceness(&exporter.proc("stat")), own.max(5));
}

#[test]
fn one_right_is_kept_and_only_for_who_asked_for_it() {
    const NET_ADMIN: u64 = 1 << 12;
    let rights = |status: &str| {
        let words = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().split_whitespace();
        assert_eq!(words("CapPrm:").next(), words("CapEff:").next());
        let users: Vec<_> = words("Uid:").map(str::to_owned).collect();
        (users, u64::from_str_radix(words("CapEff:").next().unwrap(), 16).unwrap())
    };
    let (users, own) = rights(&std::fs::read_to_string("/proc/self/status").unwrap());
    if users[1] != "0" || std::env::var_os("EMULATOR").is_some() {
        eprintln!("skipped: only root can start it with --user");
        return;
    }
    for (options, kept) in [
        (&["--user=65534"][..], 0),
        (&["--user=65534", "--collector.wireguard"], own & NET_ADMIN),
        (&["--user=65534", "--collector.wireguard", "--no-collector.wireguard"], 0),
    ] {
        let exporter = Running::start(options);
        assert_eq!(exporter.ask(&get("/-/healthy")).status, 200);
        assert_eq!(rights(&exporter.proc("status")), (vec!["65534".to_owned(); 4], kept), "{options:?}");
    }
}

#[test]
fn the_start_of_the_process_stays_where_it_is() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let before = now();
    let exporter = Running::start(&[]);
    let started = || -> f64 {
        let page = exporter.ask(&get("/metrics?collect[]=time")).body;
        page.lines().find_map(|line| line.strip_prefix("process_start_time_seconds ")).unwrap().parse().unwrap()
    };
    let first = started();
    assert!((before - 1.0..now() + 1.0).contains(&first), "{before} {first}");
    for _ in 0..12 {
        sleep(Duration::from_millis(101));
        assert!((started() - first).abs() < 0.001);
    }
}

#[test]
fn the_version_is_on_the_first_line_and_the_origin_on_the_second() {
    let output = run(&["--version"]);
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], concat!("router_exporter, version ", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with("  revision ") && lines[1].contains(", target "), "{said:?}");
    assert!(lines[1].contains("-unknown-linux-") && lines[1].contains(", compiler "), "{said:?}");
    assert_eq!(lines.len(), 2);
}
