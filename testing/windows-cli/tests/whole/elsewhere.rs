//! What is done in the mounted layer on Windows, and not by a command, says so.

use crate::support::{HELLO, Host};

#[test]
fn commands_that_edit_a_layer_say_where_it_is_edited() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    host.run(&["create", "box", "--from", HELLO]);
    let file = host.text("a.txt");
    std::fs::write(&file, "a").expect("can be written");
    let inside = r"box:C:\hello\a.txt";
    for arguments in [
        &["cp", &file, inside][..],
        &["mkdir", inside],
        &["mv", inside, r"C:\b.txt"],
        &["attrib", "+r", inside],
        &["acl", inside, "O:BA"],
        &["rm", inside],
    ] {
        let error = host.fails(arguments);
        assert!(error.contains("transom mount NAME"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let error = host.fails(&["grow", "box", "30GB"]);
    assert!(error.contains("create --size"), "{error}");
    assert_eq!(host.run(&["list"]).lines().count(), 2, "it is still there");
}
