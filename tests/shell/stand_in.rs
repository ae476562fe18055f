//! Stands in for the exporter in the tests of the watchdog: it can be told to
//! crash, to go deaf, to flood its log and to hang, which the real one will not do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let value = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
    if has("--version") {
        if std::env::var_os("STAND_IN_HANGS").is_some() {
            std::thread::sleep(Duration::from_secs(60));
        }
        println!("stand-in");
        return;
    }
    if has("--once") {
        println!("node_stand_in 1");
        return;
    }
    let address = value("--web.listen-address").unwrap_or("127.0.0.1:9100");
    if let Some(position) = args.iter().position(|arg| arg == "--health") {
        let url = args.get(position + 1);
        let asked = url.and_then(|url| url.strip_prefix("http://")?.split('/').next());
        let healthy = healthy(asked.unwrap_or(address));
        std::process::exit(if healthy.is_some() { 0 } else { 1 });
    }
    if let Some(path) = value("--ask") {
        ask(path);
    }
    let _ = std::io::stderr().write_all(b"msg=\"stand-in started\"\n");
    if has("--crash") {
        std::process::exit(3);
    }
    if has("--flood") {
        for _ in 0..20_000 {
            let _ = std::io::stderr().write_all(&[b'x'; 99]);
        }
    }
    let deaf = value("--deaf").unwrap_or("/nonexistent");
    let listener = TcpListener::bind(address).unwrap();
    for connection in listener.incoming() {
        let Ok(mut connection) = connection else {
            continue;
        };
        let _ = std::io::stderr().write_all(b"msg=asked\n");
        if !std::path::Path::new(deaf).exists() {
            let _ = connection.write_all(b"ok");
        } else {
            std::thread::sleep(Duration::from_millis(600));
        }
    }
}

/// Has a child ask about a path that may never answer, and who closes all it has, as the exporter's
/// does.
fn ask(path: &str) {
    unsafe extern "C" {
        fn fork() -> i32;
        fn close(descriptor: i32) -> i32;
        fn signal(number: i32, action: usize) -> usize;
    }
    // SAFETY: there is one thread, and the child ends in here.
    unsafe {
        signal(17, 1); // a child that ends leaves nothing behind
        if fork() == 0 {
            for descriptor in 0..64 {
                close(descriptor);
            }
            let _ = std::fs::metadata(path);
            std::process::exit(0);
        }
    }
}

fn healthy(address: &str) -> Option<()> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(400))).ok()?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).ok()
}
