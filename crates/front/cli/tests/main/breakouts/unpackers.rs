//! The cases of umoci (`oci/layer`) and of moby/go-archive that are about more than whiteouts.

use transom_layer::Names;

use super::case::Entry::{Dir, File, Global, Link, Symlink};
use super::case::Expected::{Refused, Tree};
use super::case::case;
use super::ways::try_all;

#[test]
fn names_that_lead_out_are_refused() {
    let up = |name, layer| case(name, layer, Refused(&["has a `..`"]));
    try_all(
        Names::Posix,
        &[
            up(
                "umoci: UnpackEntrySanitiseScoping, relative",
                &[File("../../../../etc/passwd", "x")],
            ),
            up(
                "umoci: UnpackEntrySanitiseScoping, mixed",
                &[File("some/dir/../../../etc/passwd", "x")],
            ),
            case(
                "umoci: UnpackEntrySanitiseScoping, absolute and up",
                &[File("/../../etc/passwd", "x")],
                Refused(&["absolute"]),
            ),
            up(
                "go-archive: UntarInvalidFilenames, dotdot",
                &[File("../victim/dotdot", "x")],
            ),
            case(
                "go-archive: UntarInvalidFilenames, slash-dotdot",
                &[File("/../victim/slash-dotdot", "x")],
                Refused(&["absolute"]),
            ),
            up(
                "go-archive: SiblingPrefixContained",
                &[File("../inside-sibling/hello", "x")],
            ),
            up(
                "go-archive: ParentTraversalContained",
                &[Dir("a"), File("a/../../hello", "x")],
            ),
            up("a folder that is the one above", &[Dir("a/..")]),
            up("dots at the end", &[Dir("a"), File("a/b/..", "x")]),
        ],
    );
}

#[test]
fn hard_links_that_lead_out_are_refused() {
    try_all(
        Names::Posix,
        &[
            case(
                "go-archive: UntarInvalidHardlink, dotdot",
                &[Link("dotdot", "../victim/hello")],
                Refused(&["dotdot", "hard link target", "`..`"]),
            ),
            case(
                "go-archive: UntarInvalidHardlink, slash-dotdot",
                &[Link("slash-dotdot", "/../victim/hello")],
                Refused(&["slash-dotdot", "absolute"]),
            ),
            case(
                "go-archive: UntarInvalidHardlink, then a file below it",
                &[
                    Link("loophole-victim", "../victim"),
                    File("loophole-victim/file", "x"),
                ],
                Refused(&["loophole-victim", "`..`"]),
            ),
            case(
                "go-archive: UntarInvalidHardlink, then a symbolic link to it",
                &[
                    Link("loophole-victim", "../victim"),
                    Symlink("symlink", "loophole-victim/hello"),
                ],
                Refused(&["loophole-victim", "`..`"]),
            ),
            case(
                "go-archive: UntarInvalidHardlink, then a file over it",
                &[Link("hardlink", "../victim/hello"), File("hardlink", "x")],
                Refused(&["hardlink", "`..`"]),
            ),
            case(
                "a hard link out by its sibling's name",
                &[Link("sibling", "../inside-sibling/hello")],
                Refused(&["sibling", "`..`"]),
            ),
        ],
    );
}

#[test]
fn symbolic_links_that_lead_out_are_text_and_nothing_is_below_them() {
    try_all(
        Names::Posix,
        &[
            case(
                "go-archive: UntarInvalidSymlink, dotdot",
                &[
                    Symlink("dotdot", "../victim/hello"),
                    Symlink("slash-dotdot", "/../victim/hello"),
                ],
                Tree(&[
                    "dotdot -> ../victim/hello",
                    "slash-dotdot -> /../victim/hello",
                ]),
            ),
            case(
                "go-archive: UntarInvalidSymlink, then a file below it",
                &[
                    Symlink("loophole-victim", "../victim"),
                    File("loophole-victim/file", "x"),
                ],
                Refused(&["loophole-victim/file", "no folder"]),
            ),
            case(
                "go-archive: UntarInvalidSymlink, then a hard link through it",
                &[
                    Symlink("loophole-victim", "../victim"),
                    Link("hardlink", "loophole-victim/hello"),
                ],
                Refused(&["hardlink"]),
            ),
            case(
                "go-archive: UntarInvalidSymlink, then a file over it",
                &[Symlink("symlink", "../victim/hello"), File("symlink", "x")],
                Tree(&["symlink = x"]),
            ),
            case(
                "umoci: UnpackEntrySymlinkScoping, a folder",
                &[
                    Symlink("link", "../../../../../../etc"),
                    File("link/passwd", "x"),
                ],
                Refused(&["link/passwd", "no folder"]),
            ),
            case(
                "umoci: UnpackEntrySymlinkScoping, a chain",
                &[
                    Symlink("a", "b"),
                    Symlink("b", "{outside}/etc"),
                    File("a/passwd", "x"),
                ],
                Refused(&["a/passwd", "no folder"]),
            ),
            case(
                "go-archive: HardlinkToSymlink",
                &[Symlink("a", "{outside}/etc/passwd"), Link("b", "a")],
                Tree(&["a -> {outside}/etc/passwd", "b == a"]),
            ),
        ],
    );
}

#[test]
fn what_is_no_folder_holds_nothing_and_what_is_implied_is_a_folder() {
    try_all(
        Names::Posix,
        &[
            case(
                "umoci: UnpackEntryNonDirParent",
                &[File("a", "a file"), File("a/below", "x")],
                Refused(&["a/below", "no folder"]),
            ),
            case(
                "umoci: UnpackEntryParentDir",
                &[File("a/b/c/d", "x"), Dir("a/b")],
                Tree(&["a/", "a/b/", "a/b/c/", "a/b/c/d = x"]),
            ),
            case(
                "go-archive: ImpliedDirectoryPermissions",
                &[File("deep/er/file", "x")],
                Tree(&["deep/", "deep/er/", "deep/er/file = x"]),
            ),
            case(
                "the root, told in every way",
                &[Dir("./"), File("./a", "x")],
                Tree(&["a = x"]),
            ),
            case(
                "go-archive: XGlobalNoParent",
                &[Global("comment", "5d2ff0a9"), File("a/b", "x")],
                Tree(&["a/", "a/b = x"]),
            ),
            case(
                "OCI: a path twice, of which Linux' tools keep the last",
                &[File("a", "first"), File("./a", "second")],
                Tree(&["a = second"]),
            ),
        ],
    );
}

#[test]
fn a_global_record_renames_nothing() {
    try_all(
        Names::Posix,
        &[
            case(
                "a path for all entries",
                &[Global("path", "../../etc/passwd"), File("a", "x")],
                Tree(&["a = x"]),
            ),
            case(
                "a link target for all entries",
                &[
                    Global("linkpath", "../../etc/passwd"),
                    File("a", "x"),
                    Link("b", "a"),
                ],
                Tree(&["a = x", "b == a"]),
            ),
        ],
    );
}
