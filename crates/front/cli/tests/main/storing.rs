//! load, save, images, tag, rm, gc, df, verify.

use std::fs;

use crate::support::{HELLO, Home, sample};

#[test]
fn loading_and_saving_keeps_every_digest() {
    let home = Home::with_sample();
    let before = home.json(["images"]);
    let archive = home.path("saved.tar");
    let said = home.ok([
        "save".as_ref(),
        HELLO.as_ref(),
        "-o".as_ref(),
        archive.as_os_str(),
    ]);
    assert!(said.contains("every digest unchanged"), "{said}");

    let other = Home::empty();
    other.ok(["load".as_ref(), archive.as_os_str()]);
    let after = other.json(["images"]);
    for key in ["names", "manifest", "config", "layers"] {
        assert_eq!(before[0][key], after[0][key], "{key}");
    }
    other.ok(["verify"]);
}

#[test]
fn a_docker_archive_keeps_layers_and_config() {
    let home = Home::with_sample();
    let archive = home.path("docker.tar");
    let args = ["save", "--format", "docker-archive", HELLO, "-o"];
    home.ok(args
        .map(std::ffi::OsStr::new)
        .into_iter()
        .chain([archive.as_os_str()]));
    let other = Home::empty();
    other.ok(["load".as_ref(), archive.as_os_str()]);
    let diff_ids = |home: &Home| {
        let images = home.json(["images"]);
        let layers = images[0]["layers"].as_array().unwrap().clone();
        let ids = layers.iter().map(|layer| layer["diff_id"].clone());
        (images[0]["config"].clone(), ids.collect::<Vec<_>>())
    };
    assert_eq!(diff_ids(&home), diff_ids(&other));
}

#[test]
fn an_archive_is_read_from_stdin_and_written_to_stdout() {
    let home = Home::with_sample();
    let saved = home.run(["save", HELLO, "-o", "-"]);
    assert!(saved.status.success());
    let archive = home.path("saved.tar");
    fs::write(&archive, &saved.stdout).unwrap();

    let other = Home::empty();
    let load = other
        .command()
        .args(["load", "-"])
        .stdin(fs::File::open(&archive).unwrap())
        .output();
    assert!(load.unwrap().status.success());
    assert_eq!(
        home.json(["images"])[0]["manifest"],
        other.json(["images"])[0]["manifest"]
    );
}

#[test]
fn without_compressed_layers_the_image_is_written_anew_and_said_so() {
    let home = Home::empty();
    home.ok([
        "load".as_ref(),
        "--drop-compressed".as_ref(),
        sample().as_os_str(),
    ]);
    let archive = home.path("saved.tar");
    let output = home.run([
        "save".as_ref(),
        HELLO.as_ref(),
        "-o".as_ref(),
        archive.as_os_str(),
    ]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("compressed anew"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("was not kept"));
    let other = Home::empty();
    other.ok(["load".as_ref(), archive.as_os_str()]);
    assert_eq!(
        home.json(["images"])[0]["config"],
        other.json(["images"])[0]["config"]
    );
}

#[test]
fn a_second_load_finds_all_layers_there() {
    let home = Home::with_sample();
    let said = home.ok(["load".as_ref(), sample().as_os_str()]);
    assert!(said.contains("0 of them new"), "{said}");
}

#[test]
fn removing_an_image_gives_its_space_back() {
    let home = Home::with_sample();
    assert!(home.json(["df"])["tars"].as_u64().unwrap() > 0);
    home.ok(["tag", HELLO, "second:name"]);
    let said = home.ok(["rm", "second:name"]);
    assert!(
        !said.contains("layer"),
        "the first name keeps the image: {said}"
    );
    home.ok(["rm", HELLO]);
    let usage = home.json(["df"]);
    for key in [
        "tars",
        "indexes",
        "compressed",
        "merged_indexes",
        "reclaimable",
    ] {
        assert_eq!(usage[key], 0, "{key}");
    }
    for folder in ["layers", "blobs", "chains", "staging", "trash"] {
        let left = home.path("store").join(folder).read_dir().unwrap().count();
        assert_eq!(left, 0, "{folder}");
    }
}

#[test]
fn damage_is_found_and_told() {
    let home = Home::with_sample();
    let layer = home
        .path("store/layers")
        .read_dir()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut tar = fs::read(layer.join("layer.tar")).unwrap();
    tar[1000] ^= 1;
    fs::write(layer.join("layer.tar"), tar).unwrap();
    let output = home.run(["verify"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("damaged: layer sha256:"), "{said}");
    assert!(said.contains("1 damage;"), "{said}");
}

#[test]
fn an_image_is_found_by_every_kind_of_reference() {
    let home = Home::with_sample();
    let image = &home.json(["images"])[0];
    let manifest = image["manifest"].as_str().unwrap();
    let config = image["config"].as_str().unwrap();
    for reference in [HELLO, manifest, config, &manifest[7..], &manifest[7..19]] {
        assert_eq!(
            home.json(["inspect", reference])["manifest"],
            manifest,
            "{reference}"
        );
    }
    let layer = image["layers"][0]["diff_id"].as_str().unwrap();
    assert!(home.ok(["ls", &layer[7..15]]).contains("Windows"));
}

#[test]
fn a_wrong_call_is_told_apart_from_a_failure() {
    let home = Home::empty();
    for args in [
        &["nonsense"][..],
        &["save"],
        &["ls", "--no-such-option", "x"],
        &[],
    ] {
        assert_eq!(home.run(args).status.code(), Some(2), "{args:?}");
    }
    let stderr = home.fails(["ls", "no/such:image"]);
    assert!(
        stderr.contains("error: there is no image or layer \"no/such:image\""),
        "{stderr}"
    );
    let stderr = home.fails(["load", "/no/such/file"]);
    assert!(stderr.contains("/no/such/file"), "{stderr}");
}

#[test]
fn a_file_that_is_no_image_is_refused_and_nothing_is_kept() {
    let home = Home::empty();
    let path = home.path("junk");
    fs::write(&path, b"this is no archive").unwrap();
    home.fails(["load".as_ref(), path.as_os_str()]);
    assert_eq!(home.json(["images"]), serde_json::json!([]));
    assert_eq!(home.json(["layers"]), serde_json::json!([]));
}

#[test]
fn progress_goes_to_stderr_and_can_be_switched_off() {
    let home = Home::empty();
    let output = home.run(["load".as_ref(), sample().as_os_str()]);
    assert!(!output.stderr.is_empty());
    let other = Home::empty();
    let output = other.run(["--quiet".as_ref(), "load".as_ref(), sample().as_os_str()]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn man_pages_and_completions_are_made() {
    let home = Home::empty();
    let out = home.path("generated");
    home.ok(["generate".as_ref(), "--out".as_ref(), out.as_os_str()]);
    let page = fs::read_to_string(out.join("man/transom-load.1")).unwrap();
    assert!(page.contains("drop\\-compressed"));
    for script in ["transom.bash", "_transom", "transom.fish"] {
        assert!(out.join("completions").join(script).exists(), "{script}");
    }
    assert!(home.ok(["completions", "bash"]).contains("transom"));
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_else_may_look_into_a_store_whatever_the_mask() {
    use std::os::unix::fs::PermissionsExt;

    for mask in ["000", "077"] {
        let home = Home::empty();
        let run = |args: &[&str]| {
            let mut shell = std::process::Command::new("sh");
            let script = format!("umask {mask} && exec \"$@\"");
            shell.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_transom"), "--root"]);
            let output = shell.arg(home.path("store")).args(args).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{args:?}: {stderr}");
        };
        let sample = sample();
        run(&["load", sample.to_str().unwrap()]);
        run(&["create", "w", "--from", HELLO]);
        run(&["cp", sample.to_str().unwrap(), "w:/file"]);
        run(&["commit", "w", "-t", "mine:1"]);
        run(&["diff", HELLO, "mine:1"]);
        run(&["rm", "mine:1"]);
        let mut paths = vec![home.path("store")];
        let mut count = 0;
        while let Some(path) = paths.pop() {
            let about = path.symlink_metadata().unwrap();
            let mode = about.permissions().mode();
            let shown = format!("{} is {mode:o} with umask {mask}", path.display());
            if about.is_dir() {
                assert_eq!(mode & 0o077, 0, "{shown}");
                let entries = fs::read_dir(&path).unwrap();
                let entries = entries.map(|entry| entry.unwrap().path());
                // What is in a writable layer has the modes that the image is to have, in a folder of this user's.
                paths.extend(entries.filter(|path| !path.ends_with("writable/w/upper")));
            } else {
                assert_eq!(mode & 0o007, 0, "{shown}");
            }
            count += 1;
        }
        assert!(count > 10, "{count}");
    }
}

#[test]
fn fsck_tells_repairs_and_ends_as_fsck_does() {
    let home = Home::with_sample();
    let code = |args: &[&str]| home.run(args).status.code();
    assert_eq!(code(&["fsck", "--full"]), Some(0));
    let layers = home.json(["layers"]);
    let id = layers[0]["diff_id"].as_str().unwrap().to_owned();
    let name = id.strip_prefix("sha256:").unwrap();
    let folder = home.path("store").join("layers").join(name);
    fs::remove_file(folder.join("index.erofs")).unwrap();
    assert_eq!(code(&["fsck", "--dry-run"]), Some(4));
    assert!(!folder.join("index.erofs").exists());
    assert_eq!(code(&["fsck"]), Some(1));
    assert_eq!(code(&["fsck", "--full"]), Some(0));

    fs::write(folder.join("layer.tar"), "damaged").unwrap();
    // Without its compressed form it cannot be made again.
    home.ok(["gc", "--compressed"]);
    let told = home.run(["fsck", "--json"]);
    assert_eq!(told.status.code(), Some(4));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["findings"][0]["outcome"], "set aside");
    assert_eq!(told["set_aside"][0], id.as_str());
    let said = home.fails(["ls", HELLO]);
    assert!(said.contains("load or pull it again"), "{said}");
    home.ok(["load".as_ref(), sample().as_os_str()]);
    home.ok(["ls", HELLO]);
    home.ok(["verify"]);

    fs::write(home.path("store").join("layers/mine"), "x").unwrap();
    assert_eq!(code(&["fsck"]), Some(4));
    assert!(home.path("store").join("layers/mine").exists());
}

#[test]
fn limits_are_told_by_flags_and_by_the_environment() {
    let home = Home::empty();
    let image = sample();
    for (flag, value, said) in [
        ("--max-entries", "10", "the limit is 10 entries"),
        (
            "--max-bytes",
            "100000",
            "larger than the limit of 100000 bytes",
        ),
        ("--max-depth", "2", "the limit is 2 names in a path"),
        ("--max-pax", "10", "PAX"),
    ] {
        let error = home.fails(["load", image.to_str().unwrap(), flag, value]);
        assert!(error.contains(said), "{error}");
        let variable = format!(
            "TRANSOM_{}",
            flag[2..].replace('-', "_").to_ascii_uppercase()
        );
        let mut command = home.command();
        command.arg("load").arg(&image).env(&variable, value);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{variable}");
        // A flag wins.
        let usual = if flag == "--max-pax" {
            "1000000"
        } else {
            "1000000000"
        };
        let output = command.args([flag, usual]).output().unwrap();
        assert!(output.status.success(), "{variable}");
        home.ok(["rm", HELLO]);
    }
    let too_much = ["load", image.to_str().unwrap(), "--max-pax", "67108865"];
    assert_eq!(home.run(too_much).status.code(), Some(2));
}
