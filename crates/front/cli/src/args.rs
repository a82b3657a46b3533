//! What can be written on the command line.

pub(crate) mod limits;
#[cfg(feature = "registry")]
pub(crate) mod registry;
#[cfg(all(feature = "serve", any(target_os = "linux", windows)))]
pub(crate) mod serve;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use transom_oci::PlatformChoice;

use self::limits::LimitOptions;

/// Store, stack, read and re-export Windows container layers on any OS.
///
/// REF is an image's name (name:tag), its digest, the digest of a layer, or the first digits of one.
/// Paths are written C:\Windows\x, /Windows/x or Files/Windows/x, in any case; file:stream names an
/// alternate data stream. NAME is a writable layer, made with create; NAME:PATH something in it.
#[derive(Debug, Parser)]
#[command(name = "transom", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// Folder of the store [default: /var/lib/transom for root, else transom in the user's data folder].
    #[arg(long, value_name = "DIR", env = "TRANSOM_ROOT", global = true)]
    pub(crate) root: Option<PathBuf>,
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no progress and no notes.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// What Windows' layers are reached through.
    #[cfg(windows)]
    #[arg(skip)]
    pub(crate) host: crate::commands::windows::Host,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Load images from an OCI layout, an OCI archive or a docker archive.
    Load(Load),
    /// Write images out, with the digests they came with.
    Save(Save),
    /// Fetch an image from a registry.
    #[cfg(feature = "registry")]
    Pull(registry::Pull),
    /// Send an image to a registry, with the digests it came with.
    #[cfg(feature = "registry")]
    Push(registry::Push),
    /// List images.
    Images,
    /// List layers.
    Layers,
    /// Give an image one more name.
    Tag(Tag),
    /// Tell all that is known of an image.
    Inspect(Ref),
    /// Tell how an image was made, step by step.
    History(Ref),
    /// List a folder.
    Ls(Ls),
    /// Tell all that is known of files: times, attributes, security, streams, links, layer.
    Stat(Stat),
    /// Print files or streams.
    Cat(Cat),
    /// Copy files and folders out of an image, or into a writable layer (into one on Linux only).
    Cp(Cp),
    /// Find files.
    Find(Find),
    /// Compare two images or layers, or write the changes of a writable layer as a layer tar.
    Diff(Diff),
    /// List what a layer, sealed or writable, changes in the layers below it.
    Changes(Changes),
    /// Make a writable layer over an image.
    Create(Create),
    /// List writable layers and what is mounted.
    List,
    /// Mount a writable layer, or a read-only view of an image, at a folder.
    Mount(Mount),
    /// Unmount a writable layer, or what is mounted at a folder.
    Umount(Umount),
    /// Make an image of a writable layer and what it was made from.
    Commit(Commit),
    /// Make an image of another one and a layer tar.
    Apply(Apply),
    /// Make a writable layer hold more (Linux).
    Grow(Grow),
    /// Make folders in a writable layer (Linux; on Windows work in the mounted one).
    Mkdir(Mkdir),
    /// Rename a file or folder of a writable layer (Linux; on Windows work in the mounted one).
    Mv(Mv),
    /// Change the attributes of files of a writable layer (Linux; on Windows work in the mounted one).
    Attrib(Attrib),
    /// Give files of a writable layer a security descriptor (Linux; on Windows work in the mounted one).
    Acl(Acl),
    /// Check images, or all that is in the store, against their digests.
    Verify(Verify),
    /// Find what is wrong in the store, and put it right (exit code 0: nothing, 1: all put right, 4: something is left).
    Fsck(Fsck),
    /// Remove images, names of images, writable layers, or files in one.
    Rm(Rm),
    /// Delete what nothing refers to.
    Gc(Gc),
    /// Tell what takes how much space.
    Df,
    /// Test what this host can do, and tell what it lacks; on Windows it lets a tiny layer live.
    Doctor(Doctor),
    /// Serve container engines until told to stop.
    #[cfg(all(feature = "serve", any(target_os = "linux", windows)))]
    Serve(serve::Serve),
    /// Show the server's configuration, or make containerd's.
    #[cfg(all(feature = "serve", any(target_os = "linux", windows)))]
    #[command(subcommand)]
    Config(serve::Config),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write man pages and completions into a folder.
    #[command(hide = true)]
    Generate {
        /// The folder.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Read or write one layer's files: the process that has the privileges for it.
    #[cfg(windows)]
    #[command(hide = true)]
    HcsWorker {
        /// What to do, and where.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

impl Command {
    /// Bounds on what it takes in, if it takes in what others made.
    pub(crate) fn limits(&self) -> Option<LimitOptions> {
        match self {
            Self::Load(load) => Some(load.limits),
            #[cfg(feature = "registry")]
            Self::Pull(pull) => Some(pull.limits),
            Self::Apply(apply) => Some(apply.limits),
            _ => None,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ref {
    /// The image.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
}

/// What whiteouts do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whiteouts {
    /// As the writer of each layer meant them: hcs for layers by Windows, oci for all others.
    Auto,
    /// As Windows does: a whiteout beats an entry of its own layer, opaque markers do nothing.
    Hcs,
    /// As the OCI specification says: whiteouts act on lower layers only.
    Oci,
}

impl Whiteouts {
    pub(crate) fn rule(self) -> Option<transom_layer::Whiteouts> {
        match self {
            Self::Auto => None,
            Self::Hcs => Some(transom_layer::Whiteouts::Hcs),
            Self::Oci => Some(transom_layer::Whiteouts::Oci),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    /// A folder or archive; - reads an archive from stdin.
    pub(crate) path: PathBuf,
    /// Name of the image, instead of the one it brings; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Vec<String>,
    /// Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine's architecture].
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<PlatformChoice>,
    /// Do not keep the compressed layers: saves space, but save will write new ones with new digests.
    #[arg(long)]
    pub(crate) drop_compressed: bool,
    /// What whiteouts do when the stack is checked.
    #[arg(long, value_enum, default_value_t = Whiteouts::Auto)]
    pub(crate) whiteouts: Whiteouts,
    /// Refuse what is otherwise only noted: whiteouts of nothing.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Layers imported at the same time [default: number of cores].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) jobs: usize,
    #[command(flatten)]
    pub(crate) limits: LimitOptions,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One tar, an OCI layout.
    Oci,
    /// A folder, an OCI layout.
    OciDir,
    /// One tar, as docker save wrote it before OCI.
    DockerArchive,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Save {
    /// The images.
    #[arg(value_name = "REF", required = true)]
    pub(crate) references: Vec<String>,
    /// Where to; - writes an archive to stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Oci)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Tag {
    /// The image.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// The new name; another image that has it loses it.
    pub(crate) name: String,
}

/// How a REF is read as a tree.
#[derive(Debug, clap::Args)]
pub(crate) struct View {
    /// Start paths at the tar's root (Files, Hives, UtilityVM) instead of C:\.
    #[arg(long)]
    pub(crate) raw: bool,
    /// What whiteouts do.
    #[arg(long, value_enum, default_value_t = Whiteouts::Auto)]
    pub(crate) whiteouts: Whiteouts,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ls {
    /// The image or layer.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// The folders or files.
    #[arg(value_name = "PATH", default_value = "/")]
    pub(crate) paths: Vec<String>,
    /// Show attributes, size, time and owner.
    #[arg(short, long)]
    pub(crate) long: bool,
    /// Show what is in folders, too.
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
    /// Show alternate data streams, too.
    #[arg(short, long)]
    pub(crate) streams: bool,
    #[command(flatten)]
    pub(crate) view: View,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Stat {
    /// The image or layer.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// The files or folders.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    #[command(flatten)]
    pub(crate) view: View,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Cat {
    /// The image or layer.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// The files or streams.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    #[command(flatten)]
    pub(crate) view: View,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Cp {
    /// What: REF:PATH, where the last part of PATH may have * and ? in it; or, to copy into a writable layer,
    /// a file or folder of this machine, - for stdin.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// Where to: a folder that exists, or the new name; or NAME:PATH in a writable layer.
    pub(crate) dest: String,
    /// Keep Windows metadata as extended attributes (user.MSWINDOWS.…), streams as file:stream, and times.
    #[arg(long)]
    pub(crate) metadata: bool,
    #[command(flatten)]
    pub(crate) view: View,
}

/// What to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Type {
    /// Files.
    #[value(alias = "f")]
    File,
    /// Folders.
    #[value(alias = "d")]
    Directory,
    /// Symbolic links and junctions.
    #[value(alias = "l")]
    Link,
    /// Alternate data streams.
    #[value(alias = "s")]
    Stream,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Find {
    /// The image or layer.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Where to begin.
    #[arg(value_name = "PATH", default_value = "/")]
    pub(crate) path: String,
    /// Only names that match this, with * and ?, in any case in a Windows image.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) name: Option<String>,
    /// Only this kind.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub(crate) kind: Option<Type>,
    #[command(flatten)]
    pub(crate) view: View,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// The image or layer to start from.
    #[arg(value_name = "A")]
    pub(crate) first: String,
    /// The image or layer to come to; none with --output.
    #[arg(
        value_name = "B",
        required_unless_present = "output",
        conflicts_with = "output"
    )]
    pub(crate) second: Option<String>,
    /// Write the changes of the writable layer A as a layer tar to this file; - for stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) latest: Latest,
    /// Leave out entries of which only the metadata differs.
    #[arg(long)]
    pub(crate) content: bool,
    /// What whiteouts do.
    #[arg(long, value_enum, default_value_t = Whiteouts::Auto)]
    pub(crate) whiteouts: Whiteouts,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Changes {
    /// The layer, or the name of a writable one; for an image its topmost layer.
    #[arg(value_name = "LAYER")]
    pub(crate) reference: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The image or layer; everything if not given.
    #[arg(value_name = "REF")]
    pub(crate) reference: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Fsck {
    /// Tell what is wrong and what would be done; change nothing.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Read everything and compare digests, not only sizes.
    #[arg(long)]
    pub(crate) full: bool,
    /// Make the catalog again from what lies beside it, if it is missing or damaged. Nobody may use the store meanwhile.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) rebuild: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rm {
    /// Images: a name takes that name away, and the image with the last one; a digest the image with all names.
    /// Writable layers: NAME, unmounted first. Files or folders in one: NAME:PATH.
    #[arg(value_name = "REF", required = true)]
    pub(crate) references: Vec<String>,
    /// Delete folders in a writable layer with all that is in them.
    #[arg(short, long)]
    pub(crate) recursive: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Gc {
    /// Delete kept compressed layers, too: save will write new ones with new digests.
    #[arg(long)]
    pub(crate) compressed: bool,
}

/// Bounds the times of what was changed.
#[derive(Debug, clap::Args)]
pub(crate) struct Latest {
    /// Set times after this one, seconds since 1970, to it: equal changes make equal layers then.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOURCE_DATE_EPOCH",
        // Up to the end of the year 9999, the last that RFC 3339 can tell.
        value_parser = clap::value_parser!(i64).range(0..=253_402_300_799)
    )]
    pub(crate) source_date_epoch: Option<i64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// The folder to test [default: that of the store; on Windows a temporary one].
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// The name of the writable layer.
    pub(crate) name: String,
    /// The image to write over.
    #[arg(long, value_name = "REF")]
    pub(crate) from: String,
    /// size=20GB bounds what the layer can hold (takes root); other options are ignored.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) storage_opt: Vec<String>,
    /// Short for --storage-opt size=SIZE.
    #[arg(long, value_name = "SIZE")]
    pub(crate) size: Option<String>,
}

#[cfg(any(target_os = "linux", windows))]
impl Create {
    /// The storage options, as keys and values.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        let options = self
            .storage_opt
            .iter()
            .map(|option| option.split_once('=').unwrap_or((option, "")));
        options.chain(self.size.as_deref().map(|size| ("size", size)))
    }
}

/// How to mount.
#[cfg(not(windows))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// By the kernel, from the files themselves (Linux 6.12, root).
    Kernel,
    /// By the kernel, through loop devices (Linux 6.4, root).
    Loop,
    /// By a process in the background (FUSE): without root, with look-ups in any case and file:stream.
    Fuse,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Mount {
    /// The writable layer; with --ro the image.
    #[arg(value_name = "NAME")]
    pub(crate) what: String,
    #[cfg(not(windows))]
    /// The folder, which must exist.
    pub(crate) dir: PathBuf,
    #[cfg(not(windows))]
    /// Show the whole tree (Files, Hives, UtilityVM) instead of C:\.
    #[arg(long)]
    pub(crate) raw: bool,
    #[cfg(not(windows))]
    /// NAME is an image, to be looked at only.
    #[arg(long)]
    pub(crate) ro: bool,
    #[cfg(not(windows))]
    /// How to mount an image [default: the best way there is here].
    #[arg(long, value_enum, requires = "ro")]
    pub(crate) via: Option<Via>,
    #[cfg(not(windows))]
    /// Serve a FUSE mount from this process, until it is unmounted.
    #[arg(long, requires = "ro")]
    pub(crate) foreground: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Umount {
    /// The writable layer, which is unmounted from everywhere; or the folder.
    #[arg(value_name = "NAME|DIR")]
    pub(crate) what: String,
}

/// What an image made here says of itself.
#[derive(Debug, clap::Args)]
pub(crate) struct NewImage {
    /// Name of the new image; may be given more than once.
    #[arg(short, long, value_name = "REF")]
    pub(crate) tag: Vec<String>,
    /// Remark in its history.
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    pub(crate) message: String,
    /// Who made it.
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    pub(crate) author: String,
    #[command(flatten)]
    pub(crate) latest: Latest,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Commit {
    /// The writable layer, which stays as it is.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) image: NewImage,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    /// The layer tar, plain or compressed; - reads stdin.
    pub(crate) file: PathBuf,
    /// The image to put it on.
    #[arg(long, value_name = "REF")]
    pub(crate) on: String,
    #[command(flatten)]
    pub(crate) image: NewImage,
    #[command(flatten)]
    pub(crate) limits: LimitOptions,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Grow {
    /// The writable layer, mounted or not; it must have been made with a size.
    pub(crate) name: String,
    /// The new size: 30GB.
    pub(crate) size: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Mkdir {
    /// The folders.
    #[arg(value_name = "NAME:PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// Make the folders above, too, and mind none that is there.
    #[arg(short, long)]
    pub(crate) parents: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Mv {
    /// The file or folder.
    #[arg(value_name = "NAME:PATH")]
    pub(crate) source: String,
    /// Its new path in the same layer, or a folder there to move it into.
    #[arg(value_name = "PATH")]
    pub(crate) dest: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Attrib {
    /// +r sets READONLY, -r clears it; a ARCHIVE, s SYSTEM, h HIDDEN, i NOT_CONTENT_INDEXED, o OFFLINE;
    /// then the files, NAME:PATH.
    #[arg(value_name = "+-LETTER|NAME:PATH", required = true, allow_hyphen_values = true, num_args = 2..)]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Acl {
    /// The file or folder.
    #[arg(value_name = "NAME:PATH")]
    pub(crate) path: String,
    /// The security descriptor, as SDDL: O:BAG:SYD:(A;;FA;;;BA).
    pub(crate) sddl: String,
}
