//! A running exporter, and a client of it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use crate::program;

/// A running exporter, ended with the value.
pub struct Running {
    pub process: Child,
    pub address: SocketAddr,
    pub log: BufReader<ChildStderr>,
}

impl Running {
    pub fn start(options: &[&str]) -> Self {
        Self::of(program::command().arg("--web.listen-address=127.0.0.1:0").args(options))
    }

    /// One that a shell starts after the commands of `before`.
    pub fn start_after(before: &str) -> Self {
        let script = format!("{before} && exec {} --web.listen-address=127.0.0.1:0", program::line());
        Self::of(Command::new("sh").args(["-c", &script]))
    }

    fn of(command: &mut Command) -> Self {
        let (process, mut log) = spawn(command);
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let (_, address) = line.trim().rsplit_once("address=").unwrap_or_else(|| panic!("{line:?}"));
        Self { address: address.parse().unwrap(), process, log }
    }

    /// One that listens on an interface, and is reached at the port of `address`, too.
    pub fn start_on_interface(interface: &str, address: SocketAddr) -> Self {
        let (mut process, log) =
            spawn(program::command().arg(format!("--web.listen-address={interface}:{}", address.port())));
        while TcpStream::connect(address).is_err() {
            assert_eq!(process.try_wait().unwrap(), None, "{interface}");
            thread::sleep(Duration::from_millis(20));
        }
        Self { address, process, log }
    }

    pub fn ask(&self, request: &str) -> Answer {
        Client::new(self.address).ask(request)
    }

    /// A file of /proc about the process.
    pub fn proc(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.process.id())).unwrap()
    }

    /// Ends it, and gives the lines of the log that nobody has read, without the time.
    pub fn end(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        let mut text = String::new();
        self.log.read_to_string(&mut text).unwrap();
        text.lines().map(|line| line.split_once(" level=").unwrap().1.to_owned()).collect()
    }

    pub fn signal(&self, name: &str) {
        // The shell's own: an image for building need not have the program.
        let kill = format!("kill -s {name} {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

fn spawn(command: &mut Command) -> (Child, BufReader<ChildStderr>) {
    let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(process.stderr.take().unwrap());
    (process, log)
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (other, value) = line.split_once(": ")?;
            other.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn closes(&self) -> bool {
        self.header("Connection") == Some("close")
    }
}

pub struct Client(pub BufReader<TcpStream>);

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // Nothing here takes as long unless it hangs.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    pub fn ask(&mut self, request: &str) -> Answer {
        self.send(request.as_bytes());
        self.answer(!request.starts_with("HEAD"))
    }

    pub fn answer(&mut self, has_body: bool) -> Answer {
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
    pub fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: router\r\n\r\n")
}

/// What a program that ends by itself has said.
pub fn run(options: &[&str]) -> Output {
    program::command().args(options).output().unwrap()
}
