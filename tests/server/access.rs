//! Who is answered.

use std::fs;
use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;

use crate::exporter::{Client, Running, get, run};

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
    for method in ["HEAD", "OPTIONS", "POST"] {
        assert_eq!(exporter.ask(&get("/metrics").replace("GET", method)).status, 401, "{method}");
    }
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
