//! The cases of containerd's archive tests (`TestBreakouts`) that are about links, and those that begin with a slash.

use transom_layer::Names;

use super::case::Entry::{Dir, File, Link, Symlink};
use super::case::Expected::{Refused, Tree};
use super::case::{Case, Entry, case};
use super::ways::try_all;

const PASSWD: [Entry; 2] = [Dir("etc"), File("etc/passwd", "inside")];

#[test]
fn nothing_is_written_through_a_symbolic_link() {
    let words = &["localetc/unbroken", "no folder"];
    try_all(
        Names::Posix,
        &[
            case(
                "SymlinkAbsolute",
                &[
                    Dir("etc"),
                    Symlink("localetc", "/etc"),
                    File("localetc/unbroken", "unbroken"),
                ],
                Refused(words),
            ),
            case(
                "SymlinkUpAndOut",
                &[
                    Dir("etc"),
                    Dir("dummy"),
                    Symlink("localetc", "/dummy/../etc"),
                    File("localetc/unbroken", "unbroken"),
                ],
                Refused(words),
            ),
            case(
                "SymlinkMultipleAbsolute",
                &[
                    Dir("etc"),
                    Dir("dummy"),
                    Symlink("dummy/etc", "/etc"),
                    Symlink("localetc", "/dummy/etc"),
                    File("dummy/etc/unbroken", "unbroken"),
                ],
                Refused(&["dummy/etc/unbroken", "no folder"]),
            ),
            case(
                "SymlinkMultipleRelative",
                &[
                    Dir("etc"),
                    Dir("dummy"),
                    Symlink("dummy/etc", "/etc"),
                    Symlink("localetc", "./dummy/etc"),
                    File("dummy/etc/unbroken", "unbroken"),
                ],
                Refused(&["dummy/etc/unbroken", "no folder"]),
            ),
            case(
                "SymlinkEmptyFile",
                &[
                    Dir("etc"),
                    File("etc/emptied", "notempty"),
                    Symlink("localetc", "/etc"),
                    File("localetc/emptied", ""),
                ],
                Refused(&["localetc/emptied", "no folder"]),
            ),
            case(
                "SymlinkOverridePath",
                &[
                    Dir("etc"),
                    File("etc/passwd", "inside"),
                    Symlink("etc/passwd/link", "/etc"),
                ],
                Refused(&["etc/passwd/link", "no folder"]),
            ),
        ],
    );
}

#[test]
fn a_symbolic_link_is_text_that_nothing_follows() {
    try_all(
        Names::Posix,
        &[case(
            "SymlinkParentDirectory, its links alone",
            &[
                Dir("etc"),
                Symlink("etc/absolute", "/etc/passwd"),
                Symlink("etc/up", "../../../../etc/passwd"),
                Symlink("outside", "{outside}/etc"),
                Symlink("outside file", "{outside}/etc/passwd"),
                Symlink("self", "self"),
                Symlink("to root", "/"),
            ],
            Tree(&[
                "etc/",
                "etc/absolute -> /etc/passwd",
                "etc/up -> ../../../../etc/passwd",
                "outside -> {outside}/etc",
                "outside file -> {outside}/etc/passwd",
                "self -> self",
                "to root -> /",
            ]),
        )],
    );
}

#[test]
fn a_hard_link_means_an_entry_of_the_layers_and_never_goes_through_a_symbolic_link() {
    const MYPASSWD: &[&str] = &["breakouts/mypasswd"];
    const LOCAL: &[&str] = &["localpasswd"];
    try_all(
        Names::Posix,
        &[
            case(
                "HardlinkRelative",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Dir("breakouts"),
                    Symlink("breakouts/d1", "../../etc"),
                    Link("breakouts/mypasswd", "breakouts/d1/passwd"),
                ],
                Refused(MYPASSWD),
            ),
            case(
                "HardlinkDownAndOut",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Dir("breakouts"),
                    Dir("downandout"),
                    Symlink("breakouts/d1", "../downandout/../../etc"),
                    Link("breakouts/mypasswd", "breakouts/d1/passwd"),
                ],
                Refused(MYPASSWD),
            ),
            case(
                "HardlinkAbsolute",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Symlink("localetc", "/etc"),
                    Link("localpasswd", "localetc/passwd"),
                ],
                Refused(LOCAL),
            ),
            case(
                "HardlinkRelativeLong",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Symlink("localetc", "../../../../../../../etc"),
                    Link("localpasswd", "localetc/passwd"),
                ],
                Refused(LOCAL),
            ),
            case(
                "HardlinkRelativeUpAndOut",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Symlink("localetc", "upandout/../../../etc"),
                    Link("localpasswd", "localetc/passwd"),
                ],
                Refused(LOCAL),
            ),
            case(
                "HardlinkDirectRelative",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Link("localpasswd", "../../../../../etc/passwd"),
                ],
                Refused(&["localpasswd", "hard link target", ".."]),
            ),
            case(
                "HardlinkDirectAbsolute",
                &[PASSWD[0], PASSWD[1], Link("localpasswd", "/etc/passwd")],
                Refused(&["localpasswd", "hard link target", "absolute"]),
            ),
            case(
                "HardlinkSymlinkBeforeCreateTarget",
                &[
                    Dir("etc"),
                    Symlink("localpasswd", "/etc/passwd"),
                    Link("localpasswd-dup", "localpasswd"),
                    File("etc/passwd", "after"),
                ],
                Tree(&[
                    "etc/",
                    "etc/passwd = after",
                    "localpasswd -> /etc/passwd",
                    "localpasswd-dup == localpasswd",
                ]),
            ),
            case(
                "HardlinkSymlinkRelative",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Symlink("passwdlink", "../../../../../etc/passwd"),
                    Link("localpasswd", "passwdlink"),
                ],
                Tree(&[
                    "etc/",
                    "etc/passwd = inside",
                    "localpasswd -> ../../../../../etc/passwd",
                    "passwdlink == localpasswd",
                ]),
            ),
            case(
                "HardlinkSymlinkAbsolute",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Symlink("passwdlink", "/etc/passwd"),
                    Link("localpasswd", "passwdlink"),
                ],
                Tree(&[
                    "etc/",
                    "etc/passwd = inside",
                    "localpasswd -> /etc/passwd",
                    "passwdlink == localpasswd",
                ]),
            ),
            case(
                "HardlinkSymlinkChmod",
                &[
                    Symlink("sketchy", "{outside}/etc/passwd"),
                    Link("sketchylink", "{outside}/etc/passwd"),
                ],
                Refused(&["sketchylink", "absolute"]),
            ),
        ],
    );
}

#[test]
fn names_of_nothing_and_of_the_folder_above_are_refused() {
    try_all(
        Names::Posix,
        &[
            case(
                "SymlinkParentDirectory",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Symlink("..", "/etc/"),
                    Link("localpasswd", "etc/passwd"),
                ],
                Refused(&["\"..\"", "has a `..`"]),
            ),
            case(
                "SymlinkEmptyFilename",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Symlink("", "/etc/"),
                    Link("localpasswd", "etc/passwd"),
                ],
                Refused(&["empty name"]),
            ),
            case(
                "SymlinkParentRelative",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Symlink("localetc/sub/..", "/etc/"),
                    Link("localetc/localpasswd", "etc/passwd"),
                ],
                Refused(&["localetc/sub/..", "has a `..`"]),
            ),
            case(
                "SymlinkSlashEnded",
                &[
                    PASSWD[0],
                    PASSWD[1],
                    Dir("localetc/"),
                    Link("localetc/localpasswd", "etc/passwd"),
                ],
                Tree(&[
                    "etc/",
                    "etc/passwd = inside",
                    "localetc/",
                    "localetc/localpasswd == etc/passwd",
                ]),
            ),
        ],
    );
}

#[test]
fn a_folder_and_a_symbolic_link_replace_each_other_and_are_never_merged() {
    const LOWER: &[Entry] = &[Dir("etc"), File("etc/passwd", "inside"), Dir("localetc")];
    const LINKED: &[Entry] = &[
        Dir("etc"),
        File("etc/passwd", "inside"),
        Symlink("localetc", "/etc"),
    ];
    let over = |name, below, layer, expected| Case {
        name,
        below,
        layer,
        expected,
    };
    try_all(
        Names::Posix,
        &[
            over(
                "SymlinkOverrideDirectory",
                LOWER,
                &[
                    Symlink("localetc", "/etc"),
                    Link("localetc/localpasswd", "etc/passwd"),
                ],
                Refused(&["localetc/localpasswd", "no folder"]),
            ),
            over(
                "SymlinkOverrideDirectoryRelative",
                LOWER,
                &[
                    Symlink("localetc", "../../etc"),
                    Link("localetc/localpasswd", "etc/passwd"),
                ],
                Refused(&["localetc/localpasswd", "no folder"]),
            ),
            over(
                "DirectoryOverrideSymlink",
                LINKED,
                &[Dir("localetc"), Link("localetc/localpasswd", "etc/passwd")],
                Tree(&[
                    "etc/",
                    "etc/passwd = inside",
                    "localetc/",
                    "localetc/localpasswd == etc/passwd",
                ]),
            ),
            over(
                "DirectoryOverrideSymlinkAndHardlink",
                &[
                    Dir("etc"),
                    File("etc/passwd", "inside"),
                    Symlink("localetc", "etc"),
                    Link("localpasswd", "etc/passwd"),
                ],
                &[Dir("localetc"), File("localetc/localpasswd", "different")],
                Tree(&[
                    "etc/",
                    "etc/passwd = inside",
                    "localetc/",
                    "localetc/localpasswd = different",
                    "localpasswd == etc/passwd",
                ]),
            ),
            over(
                "a file below a link of the layer below",
                LINKED,
                &[File("localetc/passwd", "new")],
                Tree(&[
                    "etc/",
                    "etc/passwd = inside",
                    "localetc/",
                    "localetc/passwd = new",
                ]),
            ),
            over(
                "a link instead of a folder that is full",
                LINKED,
                &[Symlink("etc", "{outside}/etc")],
                Tree(&["etc -> {outside}/etc", "localetc -> /etc"]),
            ),
        ],
    );
}

#[test]
fn a_name_that_begins_with_a_slash_is_refused() {
    let absolute = |name, layer| case(name, layer, Refused(&["absolute"]));
    try_all(
        Names::Posix,
        &[
            absolute(
                "SymlinkAbsolute",
                &[Symlink("localetc", "/etc"), File("/localetc/unbroken", "x")],
            ),
            absolute(
                "SymlinkMultipleAbsolute",
                &[Dir("dummy"), Symlink("/dummy/etc", "/etc")],
            ),
            absolute("HardlinkRelative", &[Dir("etc"), File("/etc/passwd", "x")]),
            absolute(
                "HardlinkSymlinkAbsolute",
                &[Symlink("a", "b"), Link("b", "/a")],
            ),
            absolute(
                "the path of the host's own file",
                &[File("{outside}/etc/passwd", "x")],
            ),
            absolute("two slashes", &[File("//etc/passwd", "x")]),
        ],
    );
}
