//! What is asked, and how it is answered.

use std::io::Write;
use std::net::Shutdown;
use std::thread;

use crate::exporter::{Client, Running, get};

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
        ("OPTIONS / HTTP/1.0\r\n\r\n".into(), 200, true),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".into(), 200, false),
        (get("/metrics").replace("GET", "OPTIONS"), 200, false),
        (get("/-/healthy").replace("GET", "OPTIONS"), 200, false),
        (get("/absent").replace("GET", "OPTIONS"), 404, false),
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
    assert_eq!(refused.header("Allow"), Some("GET, HEAD, OPTIONS"));
    let options = exporter.ask("OPTIONS / HTTP/1.0\r\n\r\n");
    assert_eq!(options.header("Allow"), Some("GET, HEAD, OPTIONS"));
    assert_eq!((options.header("Content-Length"), &*options.body), (Some("0"), ""));
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
