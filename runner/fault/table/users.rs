//! Users and groups.

use super::super::config::*;
use super::super::{Fault, Shape, Strikes};
use super::{JOB, LOG, fault};
use serde_json::json;

/// The faults.
pub fn users() -> Vec<Fault> {
    const USER: &str = "/process/user";
    vec![
        fault("user-ignored", LOG, "S1", "credentials.uid").config(|c, _| set(c, &format!("{USER}/uid"), json!(0))),
        fault("user-unasked", JOB, "S1", "credentials.uid").config(|c, _| set(c, &format!("{USER}/uid"), json!(1))),
        fault("group-ignored", LOG, "S1", "credentials.gid").config(|c, _| set(c, &format!("{USER}/gid"), json!(0))),
        fault("group-more", JOB, "S1", "credentials.groups").config(|c, _| {
            list(c, &format!("{USER}/additionalGids")).push(json!(27));
        }),
        fault("group-of-the-image-forgotten", JOB, "S1", "credentials.groups").of(Shape::Member).config(|c, _| {
            list(c, &format!("{USER}/additionalGids")).retain(|group| *group != 50002);
        }),
        fault("group-of-its-own-forgotten", JOB, "S1", "credentials.groups").config(|c, _| {
            let own = c.pointer(&format!("{USER}/gid")).cloned().unwrap_or(json!(0));
            list(c, &format!("{USER}/additionalGids")).retain(|group| *group != own);
        }),
        fault("group-less", Strikes::Every, "S1", "credentials.groups").config(|c, _| {
            list(c, &format!("{USER}/additionalGids")).retain(|group| *group != 3000);
        }),
    ]
}
