//! The program over real sockets, and the server over real sockets with a page of the test's own.

#![allow(clippy::disallowed_methods, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::cell::Cell;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use router_exporter::format::Sorted;
use router_exporter::server::access::Access;
use router_exporter::server::{self, Exporter, HandlerMetrics, Listen, Settings};

const PROGRAM: &str = env!("CARGO_BIN_EXE_router_exporter");

/// A running exporter, ended with the value.
struct Running {
    process: Child,
    address: SocketAddr,
    log: BufReader<std::process::ChildStderr>,
}

impl Running {
    fn start(options: &[&str]) -> Self {
        let mut process = Command::new(PROGRAM)
            .arg("--web.listen-address=127.0.0.1:0")
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let (_, address) = line.trim().rsplit_once("address=").unwrap_or_else(|| panic!("{line:?}"));
        Self { address: address.parse().unwrap(), process, log }
    }

    fn ask(&self, request: &str) -> Answer {
        Client::new(self.address).ask(request)
    }

    fn signal(&self, name: &str) {
        let process = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (other, value) = line.split_once(": ")?;
            other.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn closes(&self) -> bool {
        self.header("Connection") == Some("close")
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // Nothing here takes as long unless it hangs.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    fn ask(&mut self, request: &str) -> Answer {
        self.send(request.as_bytes());
        self.answer(!request.starts_with("HEAD"))
    }

    fn answer(&mut self, has_body: bool) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).unwrap() > 0, "cut: {head:?}");
        }
        let status = head.get(9..12).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        let length: usize = answer.header("Content-Length").unwrap().parse().unwrap();
        let mut body = vec![0; if has_body { length } else { 0 }];
        self.0.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    /// Whether the server has closed the connection, with nothing said before that.
    fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: router\r\n\r\n")
}

#[test]
fn requests_are_answered_as_they_deserve() {
    let exporter = Running::start(&[]);
    let many = "X: y\r\n".repeat(100);
    let long = "y".repeat(9000);
    for (request, status, closes) in [
        (get("/metrics"), 200, false),
        (get("/metrics?"), 200, false),
        (get("/metrics?collect[]=loadavg"), 200, false),
        (get("/metrics?collect%5B%5D=loadavg"), 200, false),
        (get("/metrics?collect[]=absent"), 400, false),
        (get("http://router:9100/metrics"), 200, false),
        (get("/"), 200, false),
        (get("/-/healthy"), 200, false),
        (get("//metrics"), 404, false),
        (get("/metrics/"), 404, false),
        (get("/metrics/../metrics"), 404, false),
        (get("/%2e%2e/metrics"), 404, false),
        (get("/%6detrics"), 404, false),
        (get("/METRICS"), 404, false),
        (get("/favicon.ico"), 404, false),
        (get("metrics"), 400, true),
        ("GET /metrics HTTP/1.0\r\n\r\n".into(), 200, true),
        ("GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".into(), 200, false),
        ("GET /metrics HTTP/1.1\r\n\r\n".into(), 400, true),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".into(), 200, true),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nTE: trailers;q=nan, chunked;q=nan\r\n\r\n".into(), 200, false),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody".into(), 200, false),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n".into(), 200, true),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000000\r\n\r\n".into(), 413, true),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".into(), 501, true),
        (format!("GET /metrics HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431, true),
        (format!("GET /metrics HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), 431, true),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".into(), 505, true),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 505, true),
        ("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b".into(), 405, false),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".into(), 405, false),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n".into(), 405, false),
        ("BREW /metrics HTTP/1.1\r\nHost: a\r\n\r\n".into(), 405, false),
        ("\x16\x03\x01\x02\x00\x01\x00\x01".into(), 400, true),
    ] {
        let mut client = Client::new(exporter.address);
        let answer = client.ask(&request);
        assert_eq!((answer.status, answer.closes()), (status, closes), "{request:?}\n{answer:?}");
        if closes {
            assert!(client.is_closed(), "{request:?}");
        } else {
            assert_eq!(client.ask(&get("/-/healthy")).status, 200, "after {request:?}");
        }
    }
}

#[test]
fn the_answers_are_what_clients_expect() {
    let exporter = Running::start(&[]);
    let page = exporter.ask(&get("/metrics"));
    assert_eq!(page.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(page.body.starts_with("# HELP ") && page.body.ends_with('\n'));
    assert!(page.body.contains("\npromhttp_metric_handler_requests_total{code=\"200\"} 0\n"));
    assert!(page.body.contains("\npromhttp_metric_handler_requests_in_flight 1\n"));
    let page = exporter.ask(
        "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\
         Accept-Encoding: gzip\r\n\r\n",
    );
    assert_eq!(page.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(page.header("Content-Encoding"), None);
    assert!(page.body.contains("\npromhttp_metric_handler_requests_total{code=\"200\"} 1\n"));
    let landing = exporter.ask(&get("/"));
    assert!(landing.body.contains("<title>Router Exporter</title>"));
    assert!(landing.body.contains("<a href=\"/metrics\">"));
    let refused = exporter.ask("PUT / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(refused.header("Allow"), Some("GET, HEAD"));
    let old = exporter.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(old.header("Connection"), Some("keep-alive"));
}

#[test]
fn head_is_get_without_the_body() {
    let exporter = Running::start(&[]);
    let mut client = Client::new(exporter.address);
    for path in ["/", "/-/healthy", "/metrics", "/absent"] {
        let head = client.ask(&get(path).replace("GET", "HEAD"));
        let whole = client.ask(&get(path));
        assert_eq!(head.status, whole.status, "{path}");
        assert_eq!(head.header("Content-Type"), whole.header("Content-Type"), "{path}");
        if path != "/metrics" {
            assert_eq!(head.header("Content-Length"), whole.header("Content-Length"), "{path}");
        }
    }
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let exporter = Running::start(&[]);
    let mut client = Client::new(exporter.address);
    let one = [get("/-/healthy"), get("/absent"), get("/metrics?collect[]=loadavg")].concat();
    // More than the buffers of both sides hold, so that it stops and goes on.
    let rounds = 500;
    let mut sender = client.0.get_ref().try_clone().unwrap();
    let sending = thread::spawn(move || sender.write_all(one.repeat(rounds).as_bytes()).unwrap());
    for _ in 0..rounds {
        assert_eq!([(); 3].map(|()| client.answer(true).status), [200, 404, 200]);
    }
    sending.join().unwrap();
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let exporter = Running::start(&[]);
    let mut client = Client::new(exporter.address);
    client.0.get_ref().set_nodelay(true).unwrap();
    for byte in get("/metrics").bytes() {
        client.send(&[byte]);
    }
    assert_eq!(client.answer(true).status, 200);
}

#[test]
fn a_client_may_stop_sending_once_it_has_asked() {
    let exporter = Running::start(&[]);
    let mut client = Client::new(exporter.address);
    client.send(get("/metrics").as_bytes());
    client.0.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.answer(true).status, 200);
    assert!(client.is_closed());
}

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
    let script = format!("ulimit -n 16 && exec {PROGRAM} --web.listen-address=127.0.0.1:0");
    let mut process = Command::new("sh").args(["-c", &script]).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let address = line.trim().rsplit_once("address=").unwrap().1.parse().unwrap();
    let exporter = Running { process, address, log };
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

fn run(options: &[&str]) -> Output {
    Command::new(PROGRAM).args(options).output().unwrap()
}

#[test]
fn health_is_asked_by_the_program_itself() {
    let exporter = Running::start(&[]);
    let address = exporter.address.to_string();
    for options in [
        vec!["--health".to_owned(), format!("http://{address}/-/healthy")],
        vec!["--health".to_owned(), format!("--web.listen-address={address}")],
    ] {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let output = run(&options);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{options:?}");
    }
    let wrong_path = run(&["--health", &format!("http://{address}/absent")]);
    assert_eq!(wrong_path.status.code(), Some(1));
    assert!(String::from_utf8(wrong_path.stderr).unwrap().contains("status 404"));
    drop(exporter);
    let nobody = run(&["--health", &address]);
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(String::from_utf8(nobody.stderr).unwrap().lines().count(), 1);
}

#[test]
fn strangers_get_no_answer() {
    let exporter = Running::start(&["--web.allow=192.0.2.0/24", "--web.allow=fd00::/8"]);
    for request in [get("/metrics"), get("/"), "nonsense\r\n\r\n".to_owned()] {
        let mut stranger = Client::new(exporter.address);
        stranger.send(request.as_bytes());
        assert!(stranger.is_closed(), "{request:?}");
    }
    // But the machine itself may ask whether the exporter is well.
    assert_eq!(exporter.ask(&get("/-/healthy")).status, 200);
    let exporter = Running::start(&["--web.allow=192.0.2.0/24", "--web.allow=127.0.0.0/8"]);
    assert_eq!(exporter.ask(&get("/metrics")).status, 200);
}

#[test]
fn credentials_are_asked_for_and_read_again() {
    let directory = std::env::temp_dir().join(format!("server-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let basic = format!("--web.basic-auth-file={}", write("basic", "Aladdin:open sesame\n"));
    let bearer = format!("--web.bearer-token-file={}", write("bearer", "token-1\n"));
    let mut exporter = Running::start(&[&basic, &bearer]);
    let ask = |exporter: &Running, path: &str, value: &str| {
        exporter.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {value}\r\n\r\n"))
    };
    let refused = exporter.ask(&get("/metrics"));
    assert_eq!((refused.status, refused.closes()), (401, false));
    assert!(refused.header("WWW-Authenticate").unwrap().starts_with("Basic "));
    assert!(refused.body.starts_with("Unauthorized: a user and a password"), "{}", refused.body);
    assert_eq!(exporter.ask(&get("/")).status, 401);
    assert_eq!(exporter.ask(&get("/absent")).status, 401);
    assert_eq!(exporter.ask(&get("/-/healthy")).status, 200);
    assert_eq!(ask(&exporter, "/metrics", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").status, 200);
    assert_eq!(ask(&exporter, "/metrics", "Bearer token-1").status, 200);
    assert_eq!(ask(&exporter, "/metrics", "Bearer token-2").status, 401);

    // The next request sees what was read again, whether the signal woke the exporter or it did.
    write("bearer", "token-2\n");
    exporter.signal("HUP");
    assert_eq!(ask(&exporter, "/metrics", "Bearer token-1").status, 401);
    assert_eq!(ask(&exporter, "/metrics", "Bearer token-2").status, 200);
    let mut line = String::new();
    exporter.log.read_line(&mut line).unwrap();
    assert!(line.contains("credentials read again"), "{line}");

    fs::set_permissions(directory.join("bearer"), fs::Permissions::from_mode(0o644)).unwrap();
    exporter.signal("HUP");
    assert_eq!(ask(&exporter, "/metrics", "Bearer token-2").status, 200);
    line.clear();
    exporter.log.read_line(&mut line).unwrap();
    assert!(line.contains("other users may read"), "{line}");
    let refused = run(&[&bearer]);
    assert_eq!(refused.status.code(), Some(2));
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn signals_end_it_or_do_not() {
    let mut exporter = Running::start(&[]);
    exporter.signal("HUP");
    assert_eq!(exporter.ask(&get("/-/healthy")).status, 200);
    exporter.signal("TERM");
    assert_eq!(exporter.process.wait().unwrap().code(), Some(0));
}

/// Bytes that no socket buffers whole before its client reads.
const HUGE: usize = 8 << 20;

/// A page that fills the kernel's buffers many times over, and tells how often it was rendered.
struct Huge {
    size: usize,
    rendered: mpsc::Sender<String>,
}

impl Exporter for Huge {
    fn render(&mut self, query: &str, handler: &HandlerMetrics, page: &mut Sorted) -> Result<(), String> {
        let _ = self.rendered.send(query.to_owned());
        page.push(format!("{} {}\n", handler.in_flight, handler.unavailable).as_bytes());
        page.push(&vec![b'#'; self.size.saturating_sub(page.len())]);
        Ok(())
    }
}

/// Serves [`Huge`] from a thread that ends with the test.
fn huge(max_requests: usize) -> (SocketAddr, mpsc::Receiver<String>) {
    let listeners = server::bind(&[Listen::parse("127.0.0.1:0").unwrap()]).unwrap();
    let address = listeners[0].address();
    let (rendered, queries) = mpsc::channel();
    thread::spawn(move || {
        let settings = Settings { telemetry_path: "/metrics".into(), max_requests, access: Access::default() };
        server::serve(listeners, settings, &mut Huge { size: HUGE, rendered })
    });
    (address, queries)
}

/// A client that has asked, and has read no more than the head of the answer.
fn slow(address: SocketAddr, query: &str) -> Client {
    let mut client = Client::new(address);
    client.send(get(&format!("/metrics?{query}")).as_bytes());
    let mut line = String::new();
    client.0.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    client
}

#[test]
fn one_page_is_rendered_for_all_who_ask_at_once() {
    let (address, queries) = huge(0);
    // All within the second in which a page is shared; a machine too slow for that tries again.
    let shared = Cell::new(false);
    for _ in 0..20 {
        let _readers = [slow(address, "a"), slow(address, "a"), slow(address, "a")];
        let rendered = queries.try_iter().count();
        shared.set(rendered == 1);
        if shared.get() {
            break;
        }
    }
    assert!(shared.get());
}

#[test]
fn more_scrapes_than_may_be_get_503() {
    let (address, _queries) = huge(2);
    let mut answers = Vec::new();
    // Readers that take nothing for a moment make room, so a slow machine tries again.
    for _ in 0..20 {
        let _readers = [slow(address, "a"), slow(address, "b")];
        answers.push(Client::new(address).ask(&get("/metrics")));
        if answers.last().unwrap().status == 503 {
            break;
        }
    }
    let refused = answers.last().unwrap();
    assert_eq!(refused.status, 503);
    assert_eq!(refused.body, "Limit of concurrent requests reached (2), try again later.\n");
    assert_eq!(Client::new(address).ask(&get("/-/healthy")).status, 200);
}

#[test]
fn slow_readers_of_many_pages_are_dropped_for_the_next() {
    let (address, queries) = huge(0);
    let mut readers: Vec<Client> = (0..10).map(|number| slow(address, &number.to_string())).collect();
    assert_eq!(queries.try_iter().count(), 10);
    let page = Client::new(address).ask(&get("/metrics"));
    assert_eq!((page.status, page.body.len()), (200, HUGE));
    // What the kernel held for the first is gone with it, so it does not even get that.
    let first = readers[0].0.read_to_end(&mut Vec::new());
    assert!(first.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
}
