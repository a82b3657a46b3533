//! Requests that no Docker sends.

use serde_json::json;

use crate::server::{Memory, Server};

/// The plugin still does what it should.
fn still_serves(server: &Server) {
    server.ok("Create", json!({ "ID": "still" }));
    server.ok("Remove", json!({ "ID": "still" }));
}

#[test]
fn what_is_no_call_is_refused_by_its_name() {
    let memory = Memory::new();
    let server = memory.serve();
    for call in [
        "",
        "GraphDriver",
        "GraphDriver.Format",
        "GraphDriver.Get/x",
        "graphdriver.get",
    ] {
        let answer = server.send(call, b"{}");
        assert_eq!(answer.status, 404, "{call}");
        let error = answer.json()["Err"].to_string();
        assert!(error.contains(&format!("/{call}")), "{error}");
    }
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        for call in [
            "Plugin.Activate",
            "GraphDriver.Remove",
            "GraphDriver.ApplyDiff",
        ] {
            let request =
                format!("{method} /{call} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = server.ask(request.as_bytes());
            assert_eq!(answer.status, 405, "{method} {call}");
            assert!(answer.json()["Err"].as_str().unwrap().contains("POST"));
        }
    }
    still_serves(&server);
}

#[test]
fn what_is_no_request_is_refused() {
    let memory = Memory::new();
    let server = memory.serve();
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "7",
        "\"x\"",
        r#"{"ID":7}"#,
        r#"{"ID":["x"]}"#,
        "\0",
        &deep,
    ] {
        for call in ["GraphDriver.Get", "GraphDriver.Diff"] {
            let answer = server.send(call, body.as_bytes());
            assert_eq!(answer.status, 400, "{call} {:.20}", body);
            assert_ne!(answer.json()["Err"], "");
        }
    }
    still_serves(&server);
}

#[test]
fn a_request_too_large_to_be_one_is_not_read() {
    let memory = Memory::new();
    let server = memory.serve();
    let mut body = br#"{"ID":""#.to_vec();
    body.resize(8 * 1024 * 1024, b'a');
    let answer = server.send("GraphDriver.Get", &body);
    // The connection may be reset while the client still writes.
    assert!([413, 0].contains(&answer.status), "{}", answer.status);
    // The same without its length.
    let mut chunked =
        b"POST /GraphDriver.Get HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    chunked.extend(format!("{:x}\r\n", body.len()).as_bytes());
    let mut stream = server.connect();
    let _ = std::io::Write::write_all(&mut stream, &chunked);
    let _ = std::io::Write::write_all(&mut stream, &body[..2 * 1024 * 1024]);
    assert_eq!(crate::server::Answer::read(stream).status, 413);
    still_serves(&server);
}

#[test]
fn ids_that_could_name_another_folder_are_refused() {
    let memory = Memory::new();
    let server = memory.serve();
    let long = "x".repeat(256);
    let bad = [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/etc",
        "a\\b",
        "a:b",
        "nul",
        "a\0b",
        "x-removing",
        " a",
        &long,
    ];
    for id in bad {
        for call in [
            "Create",
            "CreateReadWrite",
            "Remove",
            "Get",
            "Put",
            "Exists",
            "GetMetadata",
            "Changes",
            "DiffSize",
            "Diff",
        ] {
            let (status, answer) =
                server.post(&format!("GraphDriver.{call}"), &json!({ "ID": id }));
            assert_eq!(status, 400, "{call} {id:?}: {answer}");
        }
        if !id.is_empty() {
            let request = json!({ "ID": "good", "Parent": id });
            let (status, answer) = server.post("GraphDriver.Create", &request);
            assert_eq!(status, 400, "{id:?}: {answer}");
        }
    }
    for query in [
        "",
        "?",
        "?id=",
        "?id=..%2Fx",
        "?id=a%00b",
        "?parent=x",
        "?id=a&id=b",
        "?id=good&parent=..%2Fx",
    ] {
        let answer = server.send(&format!("GraphDriver.ApplyDiff{query}"), &[0; 1024]);
        assert_eq!(answer.status, 400, "{query}");
    }
    assert_eq!(memory.begun(), 0);
    still_serves(&server);
}

#[test]
fn what_is_no_http_gets_no_answer_of_a_call() {
    let memory = Memory::new();
    let server = memory.serve();
    for bytes in [
        &b"\0\0\0\0"[..],
        b"POST\r\n\r\n",
        b"hello\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"",
        b"POST /GraphDriver.Get HTTP/1.1\r\n",
    ] {
        let status = server.raw(bytes).status;
        assert!(status == 0 || status >= 400, "{bytes:?}: {status}");
    }
    let endless = [
        b"POST /x HTTP/1.1\r\nHost: ".to_vec(),
        vec![b'x'; 4 * 1024 * 1024],
    ]
    .concat();
    let mut stream = server.connect();
    let _ = std::io::Write::write_all(&mut stream, &endless);
    let status = crate::server::Answer::read(stream).status;
    assert!(status == 0 || status >= 400, "{status}");
    still_serves(&server);
}
