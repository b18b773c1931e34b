//! The pause process, and what of it is the Pod's.

use super::super::config::*;
use super::super::{Fault, Needs, Strikes, process};
use super::{ALL_SETS, fault, host_proc};
use serde_json::json;

/// The faults.
pub fn sandbox() -> Vec<Fault> {
    vec![
        fault("hostname-wrong", Strikes::SandboxAndSo, "U1", "uts.hostname").config(|c, _| {
            set(c, "/hostname", json!("other"));
        }),
        fault("domain-name", Strikes::SandboxAndSo, "U1", "uts.domainname").after(|pid| {
            let write = "echo example > /proc/sys/kernel/domainname";
            process::run(&["nsenter", "--uts", "--target", &pid.to_string(), "sh", "-c", write])
        }),
        fault("sandbox-in-the-hosts-ipc", Strikes::SandboxAndSo, "N2", "namespaces.ipc").config(|c, _| {
            namespace(c, "ipc", None);
        }),
        fault("sandbox-in-the-hosts-pid", Strikes::Sandbox, "N5", "namespaces.pid").config(|c, _| {
            namespace(c, "pid", None);
        }),
        fault("sandbox-as-root", Strikes::Sandbox, "S1", "credentials.uid").config(|c, _| {
            set(c, "/process/user/uid", json!(0));
        }),
        fault("sandbox-with-new-privileges", Strikes::Sandbox, "S6", "security.no_new_privs").config(|c, _| {
            set(c, "/process/noNewPrivileges", json!(false));
        }),
        fault("sandbox-unfiltered", Strikes::Sandbox, "S7", "security.seccomp")
            .config(|c, _| remove(c, "/linux/seccomp")),
        fault("sandbox-writable", Strikes::Sandbox, "M5", "mounts[/]").config(|c, _| {
            set(c, "/root/readonly", json!(false));
        }),
        fault("sandbox-capable", Strikes::Sandbox, "S3", "credentials.capabilities.bounding").config(|c, _| {
            capable(c, &ALL_SETS, "CAP_SYS_ADMIN");
        }),
        fault("sandbox-with-devices", Strikes::Sandbox, "D1", "security.devices").needs(Needs::V1).config(|c, _| {
            set(c, "/linux/resources/devices", json!([{"allow": true, "access": "rwm"}]));
        }),
        fault("sandbox-limited", Strikes::Sandbox, "L1", "limits.memory_bytes").config(|c, _| {
            set(c, "/linux/resources/memory", json!({"limit": 64 << 20}));
        }),
        fault("sandbox-with-a-share", Strikes::Sandbox, "C6", "limits.cpu_share").config(|c, _| {
            set(c, "/linux/resources/cpu/shares", json!(1024));
        }),
        fault("sandbox-sees-the-host", Strikes::Sandbox, "M1", "mounts").config(|c, _| {
            list(c, "/mounts").push(bind("/mnt", "/etc", "ro"));
        }),
        fault("sandbox-with-the-hosts-proc", Strikes::Sandbox, "M11", "instances[/proc]").config(|c, _| {
            remount(c, host_proc());
        }),
    ]
}
