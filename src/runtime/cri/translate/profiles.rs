//! Profiles of seccomp and AppArmor.

use crate::plan::ContainerPlan;
use crate::pod::{AppArmorProfile, SeccompProfile};
use crate::runtime::cri::messages::{ContainerConfig, ProfileType, SecurityProfile};
use std::path::Path;

/// Adds a container's profiles. `files` is the directory in which `<container>.json` lies where it has one of the node's.
///
/// A daemon that has only v1alpha2, as containerd 1.4, reads older fields, which a kubelet of its time set too.
pub(in crate::runtime::cri) fn with_profiles(
    mut config: ContainerConfig,
    container: &ContainerPlan,
    files: &Path,
    v1alpha2: bool,
) -> ContainerConfig {
    let Some(security) = config.linux.as_mut().and_then(|linux| linux.security_context.as_mut()) else {
        return config;
    };
    let of = |profile_type: ProfileType, localhost_ref: &str| SecurityProfile {
        profile_type: profile_type.into(),
        localhost_ref: localhost_ref.to_owned(),
    };
    let file = files.join(format!("{}.json", container.name)).display().to_string();
    let (seccomp, old) = match &container.seccomp {
        SeccompProfile::RuntimeDefault => (of(ProfileType::RuntimeDefault, ""), "runtime/default".to_owned()),
        SeccompProfile::Localhost(_) => (of(ProfileType::Localhost, &file), format!("localhost/{file}")),
        // What a kubelet sends as well where the manifest names no profile and seccompDefault is off, its default.
        SeccompProfile::Unconfined => (of(ProfileType::Unconfined, ""), "unconfined".to_owned()),
    };
    security.seccomp = Some(seccomp);
    // Of AppArmor a kubelet says nothing where the manifest does not.
    let apparmor = container.apparmor.as_ref().map(|profile| match profile {
        AppArmorProfile::RuntimeDefault => (of(ProfileType::RuntimeDefault, ""), "runtime/default".to_owned()),
        AppArmorProfile::Unconfined => (of(ProfileType::Unconfined, ""), "unconfined".to_owned()),
        AppArmorProfile::Localhost(name) => (of(ProfileType::Localhost, name), format!("localhost/{name}")),
    });
    let (apparmor, old_apparmor) = apparmor.unzip();
    security.apparmor = apparmor;
    if v1alpha2 {
        security.seccomp_profile_path = old;
        security.apparmor_profile = old_apparmor.unwrap_or_default();
    }
    config
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::pod::LocalProfile;
    use crate::runtime::cri::messages::{LinuxContainerConfig, LinuxContainerSecurityContext};

    fn sent(container: &ContainerPlan, v1alpha2: bool) -> LinuxContainerSecurityContext {
        let linux = LinuxContainerConfig { security_context: Some(Default::default()), ..Default::default() };
        let config = ContainerConfig { linux: Some(linux), ..Default::default() };
        let config = with_profiles(config, container, Path::new("/t/seccomp"), v1alpha2);
        config.linux.and_then(|linux| linux.security_context).unwrap_or_default()
    }

    #[test]
    fn each_profile_has_its_type_and_a_local_one_its_name() {
        let mut container = samples::container();
        let profile = |of: Option<SecurityProfile>| of.map(|p| (p.profile_type, p.localhost_ref));
        assert_eq!(profile(sent(&container, false).seccomp), Some((1, String::new())));
        assert_eq!(sent(&container, false).apparmor, None);
        container.seccomp = SeccompProfile::RuntimeDefault;
        container.apparmor = Some(AppArmorProfile::Unconfined);
        assert_eq!(profile(sent(&container, false).seccomp), Some((0, String::new())));
        assert_eq!(profile(sent(&container, false).apparmor), Some((1, String::new())));
        container.seccomp = SeccompProfile::Localhost(LocalProfile::default());
        container.apparmor = Some(AppArmorProfile::Localhost("strict".to_owned()));
        assert_eq!(profile(sent(&container, false).seccomp), Some((2, "/t/seccomp/app.json".to_owned())));
        assert_eq!(profile(sent(&container, false).apparmor), Some((2, "strict".to_owned())));
        assert_eq!(sent(&container, false).seccomp_profile_path, "");
    }

    #[test]
    fn an_old_daemon_gets_the_old_fields_as_well() {
        let mut container = samples::container();
        container.seccomp = SeccompProfile::Localhost(LocalProfile::default());
        container.apparmor = Some(AppArmorProfile::Localhost("strict".to_owned()));
        let security = sent(&container, true);
        assert_eq!(security.seccomp_profile_path, "localhost//t/seccomp/app.json");
        assert_eq!(security.apparmor_profile, "localhost/strict");
        container.apparmor = None;
        assert_eq!(sent(&container, true).apparmor_profile, "");
    }
}
