use std::path::PathBuf;

use super::*;
use crate::system::skip;

/// Says whether Windows' system folder has a library. A real host has this one, and a stand-in may lie there.
fn has(library: &str) -> bool {
    let windows =
        std::env::var_os("SystemRoot").map_or_else(|| "C:\\windows".into(), PathBuf::from);
    windows.join("system32").join(library).exists()
}

#[test]
fn a_host_without_the_service_says_what_is_missing() {
    if has("vmcompute.dll") {
        skip("this host has vmcompute.dll");
        return;
    }
    let layer = Path::new(r"C:\layers\a");
    let parents = [Descriptor {
        id: Guid([7; 16]),
        path: r"C:\layers\b".into(),
    }];
    let hcs = SystemHcs;
    let errors = [
        hcs.activate_layer(layer).unwrap_err(),
        hcs.deactivate_layer(layer).unwrap_err(),
        hcs.create_layer(layer, "").unwrap_err(),
        hcs.create_sandbox_layer(layer, &parents).unwrap_err(),
        hcs.expand_sandbox_size(layer, 1 << 40).unwrap_err(),
        hcs.destroy_layer(layer).unwrap_err(),
        hcs.export_layer(layer, layer, &parents).unwrap_err(),
        hcs.import_layer(layer, layer, &[]).unwrap_err(),
        hcs.layer_mount_path(layer).unwrap_err(),
        hcs.layer_exists(layer).unwrap_err(),
        hcs.prepare_layer(layer, &parents).unwrap_err(),
        hcs.unprepare_layer(layer).unwrap_err(),
        hcs.process_base_image(layer).unwrap_err(),
        hcs.process_utility_image(layer).unwrap_err(),
        hcs.name_to_guid("a").unwrap_err(),
        hcs.enumerate_compute_systems("{}").unwrap_err(),
        hcs.copy_layer(layer, layer, &parents).unwrap_err(),
        hcs.base_images().unwrap_err(),
        hcs.grant_vm_access("a", layer).unwrap_err(),
        hcs.terminate_compute_system("a").unwrap_err(),
        hcs.begin_import(layer, &parents).unwrap_err(),
        hcs.begin_export(layer, &parents).unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(
                error,
                HcsError::Missing {
                    library: "vmcompute.dll",
                    ..
                }
            ),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.starts_with(error.call()) && text.contains("Containers feature"),
            "{text}"
        );
    }
}

#[test]
fn a_disk_that_is_not_there_is_an_error_with_its_code() {
    if !has("virtdisk.dll") {
        skip("this host has no virtdisk.dll");
        return;
    }
    let disk = Path::new(r"C:\no such folder\sandbox.vhdx");
    for error in [
        SystemHcs.detach_virtual_disk(disk).unwrap_err(),
        SystemHcs.attach_virtual_disk(disk, true).unwrap_err(),
    ] {
        assert_eq!(error.call(), "OpenVirtualDisk", "{error:?}");
        assert!(error.code().is_some(), "{error:?}");
    }
}

#[test]
fn parents_lie_in_memory_as_the_service_expects_them() {
    let parents = [
        Descriptor {
            id: Guid(*b"0123456789abcdef"),
            path: r"C:\a".into(),
        },
        Descriptor {
            id: Guid([0; 16]),
            path: r"C:\b".into(),
        },
    ];
    let parents = Parents::new("PrepareLayer", &parents).unwrap();
    let [first, second] = parents.as_slice() else {
        panic!("there are two");
    };
    assert_eq!(first.flags, 0);
    for (descriptor, expected) in [(first, "C:\\a\0"), (second, "C:\\b\0")] {
        // SAFETY: the text has five units, and `parents` lives.
        let units = unsafe { std::slice::from_raw_parts(descriptor.path, 5) };
        assert_eq!(String::from_utf16(units).unwrap(), expected);
    }
    // SAFETY: a descriptor begins with its 16 bytes of GUID.
    let id = unsafe { (&raw const *first).cast::<[u8; 16]>().read() };
    assert_eq!(&id, b"0123456789abcdef");
    assert!(pointer_to(&[]).is_null());
}

#[test]
fn a_result_is_a_failure_by_its_highest_bit() {
    assert_eq!(check("ActivateLayer", 0), Ok(()));
    assert_eq!(check("ActivateLayer", 1), Ok(()));
    let error = check("ActivateLayer", 0x8007_0005_u32.cast_signed()).unwrap_err();
    assert_eq!(error.code(), Some(HResult::ACCESS_DENIED));
}
