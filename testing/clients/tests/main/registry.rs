//! A registry on this machine.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use crate::process::Process;
use crate::suite::Suite;

/// A running registry that keeps what it has below a folder.
#[derive(Debug)]
pub(crate) struct Registry {
    address: String,
    _process: Process,
}

impl Registry {
    /// Starts it; `None` after a line that says why it cannot.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let suite = Suite::find("bookworm")?;
        let address = free_address();
        let config = folder.join("registry.yml");
        let root = folder.join("registry");
        fs::write(
            &config,
            format!(
                "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
                 http:\n  addr: {address}\n",
                root.display()
            ),
        )
        .unwrap();
        let mut command = suite.command("docker-registry");
        command.arg("serve").arg(&config);
        let mut process = Process::start(&command, &folder.join("registry.log"));
        process.wait_until("the registry answers", || {
            TcpStream::connect(&address).is_ok()
        });
        Some(Self {
            address,
            _process: process,
        })
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// An address of this machine with a port that was free a moment ago.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
