use std::path::PathBuf;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::windows::named_pipe::ClientOptions;

use transom_ntmeta::security::SecurityDescriptor;

use super::*;

fn name(of: &str) -> PathBuf {
    PathBuf::from(format!(
        r"\\.\pipe\transom-test-{}-{of}",
        std::process::id()
    ))
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

#[test]
fn a_pipe_takes_clients_one_after_the_other() {
    run(async {
        let name = name("clients");
        let mut listener = PipeListener::listen(&name).unwrap();
        for _ in 0..3 {
            let mut client = ClientOptions::new().open(&name).unwrap();
            let mut server = listener.accept().await.unwrap();
            client.write_all(b"ask").await.unwrap();
            let mut asked = [0; 3];
            server.read_exact(&mut asked).await.unwrap();
            server.write_all(&asked).await.unwrap();
            client.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked, b"ask");
        }
    });
}

#[test]
fn a_name_is_one_processs() {
    run(async {
        let name = name("taken");
        let listener = PipeListener::listen(&name).unwrap();
        match PipeListener::listen(&name) {
            Ok(_) => crate::system::skip("Wine 8 does not mind FILE_FLAG_FIRST_PIPE_INSTANCE"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        }
        drop(listener);
        PipeListener::listen(&name).unwrap();
    });
}

#[test]
fn the_security_of_a_pipe_names_administrators_and_the_system_alone() {
    let bytes = sddl::from_sddl(SECURITY).unwrap();
    let security = SecurityDescriptor::parse(&bytes).unwrap();
    assert_eq!(sddl::to_sddl(&security).unwrap(), SECURITY);
}
