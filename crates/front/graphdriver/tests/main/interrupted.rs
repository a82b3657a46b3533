//! Clients that go away or are slow, tars that break off, and engines that fail in the middle.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;
use transom_driver::{ErrorKind, Id, Step};

use crate::server::{Answer, Memory, Server, tar};

/// Posts a layer's tar in chunks, of which the last one is missing; the client is still there.
fn half_applied(server: &Server, id: &str, tar: &[u8]) -> std::os::unix::net::UnixStream {
    let mut stream = server.connect();
    let head = format!(
        "POST /GraphDriver.ApplyDiff?id={id}&parent= HTTP/1.1\r\nHost: \r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .write_all(format!("{:x}\r\n", tar.len()).as_bytes())
        .unwrap();
    stream.write_all(tar).unwrap();
    stream.write_all(b"\r\n").unwrap();
    stream
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "waited too long until {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_tar_that_broke_off_is_not_continued() {
    let memory = Memory::new();
    let server = memory.serve();
    let whole = tar(&[("Files/a.txt", b"a"), ("Files/b.txt", b"b")]);
    server.ok("Create", json!({ "ID": "one" }));
    // Two headers and two blocks of data are not all of it.
    let stream = half_applied(&server, "one", &whole[..1536]);
    wait_until("the tar has begun to come", || memory.begun() == 1);
    drop(stream);
    // What Docker sends in its second try is what it had not yet sent: here nothing but the end of a tar.
    let answer = server.apply("one", "", &[0; 1024]);
    assert!(
        answer["Err"].as_str().unwrap().contains("broke off"),
        "{answer}"
    );
    // Nor after a restart.
    drop(server);
    let server = memory.serve();
    let answer = server.apply("one", "", &whole);
    assert!(
        answer["Err"].as_str().unwrap().contains("broke off"),
        "{answer}"
    );
    // Removed and made again, it is whole.
    server.ok("Remove", json!({ "ID": "one" }));
    assert_eq!(memory.begun(), 0);
    server.layer("one", "", &whole);
    assert_eq!(server.diff("one", ""), whole);
    assert_eq!(memory.begun(), 0);
}

#[test]
fn a_client_that_stays_away_keeps_nobody_else_waiting() {
    let memory = Memory::new();
    let server = memory.serve();
    server.ok("Create", json!({ "ID": "slow" }));
    let stream = half_applied(&server, "slow", &tar(&[])[..512]);
    wait_until("the tar has begun to come", || memory.begun() == 1);
    server.layer("other", "", &tar(&[("Files/a.txt", b"a")]));
    server.ok("Exists", json!({ "ID": "slow" }));
    // When it goes, the layer's turn is free.
    drop(stream);
    server.ok("Remove", json!({ "ID": "slow" }));
}

#[test]
fn broken_chunks_are_no_end_of_a_tar() {
    let memory = Memory::new();
    let server = memory.serve();
    let whole = tar(&[("Files/a.txt", b"a")]);
    for (number, rest) in [
        &b"zz\r\n"[..],
        b"ffffffffffffffffff\r\n",
        b"-1\r\n",
        b"10\r\nab",
        b"\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("one{number}");
        server.ok("Create", json!({ "ID": id }));
        let mut stream = half_applied(&server, &id, &whole);
        stream.write_all(rest).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = Answer::read(stream);
        assert!(
            answer.status == 0 || answer.status >= 400 || answer.json()["Err"] != "",
            "{rest:?}"
        );
        server.ok("Remove", json!({ "ID": id }));
    }
    assert_eq!(memory.begun(), 0);
}

#[test]
fn a_tar_that_is_refused_leaves_a_layer_that_can_be_removed() {
    let memory = Memory::new();
    let server = memory.serve();
    // Too much to fit what the socket keeps: all of it is read, so that the client gets the answer.
    let mut damaged = tar(&[("Files/a.txt", &vec![7; 4 * 1024 * 1024])]);
    damaged[600] ^= 1;
    damaged[0] ^= 1;
    server.ok("Create", json!({ "ID": "one" }));
    let answer = server.apply("one", "", &damaged);
    assert_ne!(answer["Err"].as_str().unwrap_or_default(), "", "{answer}");
    server.ok("Remove", json!({ "ID": "one" }));
}

#[test]
fn an_export_that_cannot_begin_says_why_and_so_does_a_call_that_panics() {
    let memory = Memory::new();
    let server = memory.serve();
    server.layer("one", "", &tar(&[("Files/a.txt", b"a")]));
    let one = Id::new("one").unwrap();
    memory
        .engine
        .faults()
        .fail(Step::Export, Some(&one), ErrorKind::Other);
    let answer = server.send("GraphDriver.Diff", br#"{"ID":"one"}"#);
    assert_eq!(answer.status, 500);
    assert!(answer.json()["Err"].as_str().unwrap().contains("one"));
    memory.engine.faults().clear();
    memory.engine.faults().panic(Step::Metadata, &one);
    let answer = server.send("GraphDriver.GetMetadata", br#"{"ID":"one"}"#);
    assert_eq!(answer.status, 500);
    memory.engine.faults().clear();
    server.ok("Remove", json!({ "ID": "one" }));
}

#[test]
fn a_diff_that_nobody_reads_to_its_end_gives_its_turn_back() {
    let memory = Memory::new();
    let server = memory.serve();
    let whole = tar(&[("Files/a.bin", &vec![7; 8 * 1024 * 1024])]);
    server.layer("one", "", &whole);
    let mut stream = server.connect();
    let body = br#"{"ID":"one"}"#;
    let head = format!(
        "POST /GraphDriver.Diff HTTP/1.1\r\nHost: \r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut some = [0; 100_000];
    stream.read_exact(&mut some).unwrap();
    drop(stream);
    // It would wait for ever for the turn.
    server.ok("Remove", json!({ "ID": "one" }));
}

#[test]
fn one_that_stops_answers_the_calls_that_have_come() {
    let memory = Memory::new();
    let server = memory.serve();
    let one = Id::new("one").unwrap();
    let gate = memory.engine.faults().block(Step::Create, &one);
    std::thread::scope(|scope| {
        let create = scope.spawn(|| {
            let mut stream = server.connect();
            let body = br#"{"ID":"one"}"#;
            let head = format!(
                "POST /GraphDriver.Create HTTP/1.1\r\nHost: \r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(body).unwrap();
            Answer::read(stream)
        });
        gate.wait_until_reached();
        server.tell_to_stop();
        gate.open();
        assert_eq!(create.join().unwrap().status, 200);
    });
}
