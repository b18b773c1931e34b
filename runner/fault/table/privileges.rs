//! Capabilities, filters, devices.

use super::super::config::*;
use super::super::{Fault, Needs, Shape, Strikes};
use super::{ALL_SETS, JOB, LOG, fault};
use serde_json::json;

/// The faults.
pub fn privileges() -> Vec<Fault> {
    vec![
        fault("capability-more", JOB, "S3", "credentials.capabilities.bounding").config(|c, _| {
            capable(c, &ALL_SETS, "CAP_SYS_ADMIN");
        }),
        fault("capability-more-everywhere", Strikes::Every, "S3", "credentials.capabilities.bounding").config(
            |c, _| {
                capable(c, &ALL_SETS, "CAP_SYS_ADMIN");
            },
        ),
        fault("capability-less", JOB, "S3", "credentials.capabilities.bounding").config(|c, _| {
            incapable(c, &ALL_SETS, "CAP_CHOWN");
        }),
        fault("capability-not-added", JOB, "S3", "credentials.capabilities.bounding").config(|c, _| {
            incapable(c, &ALL_SETS, "CAP_NET_ADMIN");
        }),
        fault("capability-not-dropped", JOB, "S3", "credentials.capabilities.bounding").config(|c, _| {
            capable(c, &ALL_SETS, "CAP_MKNOD");
        }),
        fault("capability-ambient", LOG, "S3", "credentials.capabilities.ambient").config(|c, _| {
            capable(c, &["inheritable", "ambient"], "CAP_NET_RAW");
        }),
        fault("capability-inheritable", JOB, "S3", "credentials.capabilities.inheritable").config(|c, _| {
            capable(c, &["inheritable"], "CAP_NET_RAW");
        }),
        fault("new-privileges", LOG, "S6", "security.no_new_privs").config(|c, _| {
            set(c, "/process/noNewPrivileges", json!(false));
        }),
        fault("no-new-privileges-unasked", JOB, "S6", "security.no_new_privs").config(|c, _| {
            set(c, "/process/noNewPrivileges", json!(true));
        }),
        fault("filter-unasked", JOB, "S7", "security.seccomp").config(|c, _| {
            let refused = json!([{"names": ["ptrace"], "action": "SCMP_ACT_ERRNO"}]);
            set(c, "/linux/seccomp", json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": refused}));
        }),
        fault("every-device", JOB, "D1", "security.devices").needs(Needs::V1).config(|c, _| {
            set(c, "/linux/resources/devices", json!([{"allow": true, "access": "rwm"}]));
        }),
        fault("one-device-more", JOB, "D1", "security.devices").needs(Needs::V1).config(|c, _| {
            let disk = json!({"allow": true, "type": "b", "major": 7, "minor": 0, "access": "r"});
            list(c, "/linux/resources/devices").push(disk);
        }),
        fault("privileged-in-part", JOB, "S5", "credentials.capabilities.bounding").of(Shape::Privileged).config(
            |c, _| {
                incapable(c, &ALL_SETS, "CAP_SYS_ADMIN");
            },
        ),
        fault("privileged-and-masked", JOB, "S5", "mounts[/proc/keys]").of(Shape::Privileged).config(|c, _| {
            set(c, "/linux/maskedPaths", json!(["/proc/keys"]));
        }),
    ]
}
