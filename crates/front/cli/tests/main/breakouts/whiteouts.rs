//! Whiteouts that would delete what is not theirs: the cases of containerd (`TestBreakouts`) and umoci.

use transom_layer::Names;

use super::case::Entry::{Dir, File, Link, Symlink};
use super::case::Expected::{Refused, Tree};
use super::case::{Case, Entry, Expected};
use super::ways::try_all;

const LOWER: &[Entry] = &[
    Dir("etc"),
    File("etc/passwd", "all users"),
    File("etc/whitedout", "still here"),
    Symlink("localetc", "/etc"),
    Symlink("dead", "/dne"),
];

const fn over(name: &'static str, layer: &'static [Entry], expected: Expected) -> Case {
    Case {
        name,
        below: LOWER,
        layer,
        expected,
    }
}

/// All of [`LOWER`].
const UNCHANGED: Expected = Tree(&[
    "dead -> /dne",
    "etc/",
    "etc/passwd = all users",
    "etc/whitedout = still here",
    "localetc -> /etc",
]);

#[test]
fn a_whiteout_of_the_folder_itself_or_of_the_one_above_is_refused() {
    try_all(
        Names::Posix,
        &[
            over(
                "WhiteoutRootParent",
                &[File(".wh...", "")],
                Refused(&[".wh..."]),
            ),
            over(
                "WhiteoutParent",
                &[File("etc/.wh...", "")],
                Refused(&["etc/.wh..."]),
            ),
            over("WhiteoutRoot", &[File(".wh..", "")], Refused(&[".wh.."])),
            over(
                "WhiteoutCurrentDirectory",
                &[File("etc/.wh..", "")],
                Refused(&["etc/.wh.."]),
            ),
            over(
                "WhiteoutRelativePath",
                &[File("dne/../.wh.etc", "")],
                Refused(&["dne/../.wh.etc", "`..`"]),
            ),
            over(
                "umoci: an empty whiteout",
                &[File("etc/.wh.", "")],
                Refused(&["etc/.wh.", "names nothing"]),
            ),
            over(
                "umoci: an empty whiteout in the root",
                &[File(".wh.", "")],
                Refused(&["names nothing"]),
            ),
            over(
                "a whiteout of a path",
                &[File("etc/.wh.../../passwd", "")],
                Refused(&["`..`"]),
            ),
        ],
    );
}

#[test]
fn a_whiteout_acts_on_the_name_and_not_on_what_a_link_leads_to() {
    try_all(
        Names::Posix,
        &[
            over(
                "WhiteoutSymlink",
                &[File(".wh.localetc", "")],
                Tree(&[
                    "dead -> /dne",
                    "etc/",
                    "etc/passwd = all users",
                    "etc/whitedout = still here",
                ]),
            ),
            // containerd deletes etc/whitedout here, and says that it should not.
            over(
                "WhiteoutSymlinkPath",
                &[File("localetc/.wh.whitedout", "")],
                Tree(&[
                    "dead -> /dne",
                    "etc/",
                    "etc/passwd = all users",
                    "etc/whitedout = still here",
                    "localetc/",
                ]),
            ),
            over(
                "WhiteoutDeadSymlinkParent",
                &[File("dead/.wh.etc", "")],
                Tree(&[
                    "dead/",
                    "etc/",
                    "etc/passwd = all users",
                    "etc/whitedout = still here",
                    "localetc -> /etc",
                ]),
            ),
            over(
                "a whiteout of nothing",
                &[File("etc/.wh.nothing", "")],
                UNCHANGED,
            ),
            over(
                "WhiteoutDirectoryName",
                &[File(".wh.etc/somefile", "non-empty")],
                Refused(&[".wh.etc/somefile"]),
            ),
        ],
    );
}

#[test]
fn an_opaque_folder_hides_what_is_below_it_and_no_more() {
    const OPAQUE: &str = "etc/.wh..wh..opq";
    let hidden = |lines| Tree(lines);
    try_all(
        Names::Posix,
        &[
            over(
                "umoci: OneLevel",
                &[Dir("etc"), File(OPAQUE, ""), File("etc/new", "new")],
                hidden(&["dead -> /dne", "etc/", "etc/new = new", "localetc -> /etc"]),
            ),
            over(
                "umoci: OneLevelNoUpper",
                &[Dir("etc"), File(OPAQUE, "")],
                hidden(&["dead -> /dne", "etc/", "localetc -> /etc"]),
            ),
            over(
                "umoci: a link instead of the opaque folder",
                &[
                    File("localetc/.wh..wh..opq", ""),
                    File("localetc/new", "new"),
                ],
                hidden(&[
                    "dead -> /dne",
                    "etc/",
                    "etc/passwd = all users",
                    "etc/whitedout = still here",
                    "localetc/",
                    "localetc/new = new",
                ]),
            ),
            over(
                "umoci: MissingUpperAncestor",
                &[File("a/b/.wh..wh..opq", ""), File("a/b/c", "c")],
                hidden(&[
                    "a/",
                    "a/b/",
                    "a/b/c = c",
                    "dead -> /dne",
                    "etc/",
                    "etc/passwd = all users",
                    "etc/whitedout = still here",
                    "localetc -> /etc",
                ]),
            ),
            over(
                "umoci: UpperWhiteout",
                &[Dir("etc"), File(OPAQUE, ""), File("etc/.wh.passwd", "")],
                hidden(&["dead -> /dne", "etc/", "localetc -> /etc"]),
            ),
            over(
                "the root is opaque",
                &[File(".wh..wh..opq", ""), File("new", "new")],
                hidden(&["new = new"]),
            ),
        ],
    );
}

#[test]
fn a_hard_link_to_what_the_layer_whites_out_is_that_of_the_layer_below() {
    try_all(
        Names::Posix,
        &[over(
            "go-archive: a hard link to a file that is deleted",
            &[Link("kept", "etc/whitedout"), File("etc/.wh.whitedout", "")],
            Tree(&[
                "dead -> /dne",
                "etc/",
                "etc/passwd = all users",
                "kept = still here",
                "localetc -> /etc",
            ]),
        )],
    );
}
