//! Requests byte by byte, for what no HTTP client would send.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;

use crate::deployment::{ANSWER_TIME_MAX, deployment};
use crate::scenario::Reply;

/// Sends a request's first line, headers and body on a connection of its own.
///
/// The answer counts wherever it comes: before all of the body has gone out, or while the body is
/// still wanting.
pub(crate) fn exchange(line: &str, headers: &[&str], body: &[u8]) -> Reply {
    let mut sending = connect();
    let mut receiving = sending.try_clone().expect("a connection has two ends");
    let host = deployment().authority();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
    thread::scope(|scope| {
        scope.spawn(move || {
            // Whoever has answered need not read the rest.
            let _ = sending.write_all(head.as_bytes()).and_then(|()| sending.write_all(body));
        });
        let mut answer = Vec::new();
        let end = receiving.read_to_end(&mut answer);
        let _ = receiving.shutdown(Shutdown::Both);
        parse(&answer).unwrap_or_else(|| panic!("{line}: no answer but {answer:?}, {end:?}"))
    })
}

/// Sends a beginning and goes away.
pub(crate) fn break_off(head: &str) {
    let mut connection = connect();
    connection.write_all(head.as_bytes()).expect("the connection takes a head");
}

/// A connection to the Worker.
pub(crate) fn connect() -> TcpStream {
    let connection = TcpStream::connect(deployment().authority()).expect("the Worker listens");
    connection.set_read_timeout(Some(ANSWER_TIME_MAX)).expect("a timeout can be set");
    connection.set_write_timeout(Some(ANSWER_TIME_MAX)).expect("a timeout can be set");
    connection
}

fn parse(answer: &[u8]) -> Option<Reply> {
    let (head, body) = split_once(answer, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let mut reply = Reply { status, headers: headers.collect(), body: body.to_vec() };
    if reply.header("transfer-encoding") == "chunked" {
        reply.body = unchunked(body);
    }
    Some(reply)
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some((size, behind)) = split_once(rest, b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(size), 16).unwrap_or(0);
        let Some((chunk, behind)) = behind.split_at_checked(size).filter(|_| size > 0) else {
            break;
        };
        body.extend_from_slice(chunk);
        rest = behind.strip_prefix(b"\r\n").unwrap_or_default();
    }
    body
}

fn split_once<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let place = bytes.windows(mark.len()).position(|window| window == mark)?;
    let (before, behind) = bytes.split_at(place);
    Some((before, behind.strip_prefix(mark)?))
}
