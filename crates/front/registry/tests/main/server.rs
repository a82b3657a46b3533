//! A registry small enough to be wrong in every way. It speaks HTTP/1.1 over plain sockets, one request
//! for each connection.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::Image;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// How many requests for the same target came before.
    pub(crate) earlier: usize,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Where the wanted part begins.
    fn range(&self) -> Option<usize> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Close the connection after so many bytes of the body.
    pub(crate) cut: Option<usize>,
    /// Say that the body is so long; `None` for its real length.
    pub(crate) length: Option<usize>,
    /// Send the body in chunks, without saying how long it is.
    pub(crate) chunked: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            cut: None,
            length: None,
            chunked: false,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }
}

/// Answers some requests in place of the registry.
pub(crate) type Fault = Box<dyn Fn(&Request) -> Option<Answer> + Send + Sync>;

/// A registry that has one image in the repository `a/b` under the tag `1`, and takes what is pushed.
pub(crate) struct Server {
    pub(crate) address: String,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts it; it runs until the tests end.
    pub(crate) fn start(
        image: &Image,
        fault: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let log = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new((image.clone(), Box::new(fault) as Fault, log.clone()));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                thread::spawn(move || {
                    let (image, fault, log) = &*shared;
                    // A client that hangs up is no failure of the server.
                    let _ = serve(&stream, image, fault, log);
                });
            }
        });
        Self { address, log }
    }

    /// The name of its image.
    pub(crate) fn name(&self) -> transom_registry::ImageName {
        format!("{}/a/b:1", self.address).parse().unwrap()
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// The requests for a target that ends so.
    pub(crate) fn requests_for(&self, end: &str) -> Vec<Request> {
        let all = self.requests().into_iter();
        all.filter(|request| request.target.ends_with(end))
            .collect()
    }
}

fn serve(
    stream: &TcpStream,
    image: &Image,
    fault: &Fault,
    log: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let mut request = read_request(stream)?;
    {
        let mut log = log.lock().unwrap();
        request.earlier = log
            .iter()
            .filter(|known| known.target == request.target && known.method == request.method)
            .count();
        log.push(request.clone());
    }
    let answer = fault(&request).unwrap_or_else(|| usual(&request, image));
    write_answer(stream, &request, &answer)
}

fn read_request(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Request {
        method,
        target,
        headers,
        body,
        earlier: 0,
    })
}

/// What a registry without faults answers.
fn usual(request: &Request, image: &Image) -> Answer {
    let path = request.target.split('?').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    match request.method.as_str() {
        "POST" => Answer::new(202, "").header("Location", "/v2/a/b/blobs/uploads/1?state=x"),
        "PUT" => Answer::new(201, ""),
        _ if path.ends_with("/manifests/1") => content(request, image.blob(&image.root)),
        _ => match image.blobs.get(last) {
            Some(bytes) => content(request, bytes),
            None => Answer::new(
                404,
                r#"{"errors":[{"code":"UNKNOWN","message":"not here"}]}"#,
            ),
        },
    }
}

/// A blob, or the part of it that is asked for.
pub(crate) fn content(request: &Request, bytes: &[u8]) -> Answer {
    match request.range() {
        Some(start) => {
            let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
            Answer::new(206, &bytes[start..]).header("Content-Range", range)
        }
        None => Answer::new(200, bytes),
    }
}

fn write_answer(mut stream: &TcpStream, request: &Request, answer: &Answer) -> std::io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {} Whatever\r\nConnection: close\r\n",
        answer.status
    );
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if answer.chunked {
        head += "Transfer-Encoding: chunked\r\n";
    } else {
        let length = answer.length.unwrap_or(answer.body.len());
        head += &format!("Content-Length: {length}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if request.method == "HEAD" {
        return Ok(());
    }
    let body = &answer.body[..answer.cut.unwrap_or(answer.body.len())];
    if answer.chunked {
        write!(stream, "{:x}\r\n", body.len())?;
        stream.write_all(body)?;
        stream.write_all(b"\r\n0\r\n\r\n")?;
    } else {
        stream.write_all(body)?;
    }
    stream.flush()
}
