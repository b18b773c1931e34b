//! The messages of Kubernetes' Container Runtime Interface, as far as podcheck uses them.
//!
//! Field numbers are those of `runtime.v1` in k8s.io/cri-api (`pkg/apis/runtime/v1/api.proto`). The older `runtime.v1alpha2`
//! numbers every field that stands here alike, so one set of types serves both and only the method's path differs.
//! Fields that are left out are skipped by whoever receives them and keep their default for whoever is asked.

mod container;
mod image;
mod sandbox;
mod service;

pub(super) use container::*;
pub(super) use image::*;
pub(super) use sandbox::*;
pub(super) use service::*;

/// A call: its request knows where it goes and what comes back.
pub(super) trait Call: prost::Message + Default + 'static {
    /// Service below the version's prefix.
    const SERVICE: &'static str;
    /// Method of the service.
    const METHOD: &'static str;
    /// What comes back.
    type Answer: prost::Message + Default + 'static;
}

/// Ties a request to its method and answer.
macro_rules! calls {
    ($($service:literal $method:literal: $request:ty => $answer:ty;)+) => {
        $(impl Call for $request {
            const SERVICE: &'static str = $service;
            const METHOD: &'static str = $method;
            type Answer = $answer;
        })+
    };
}

calls! {
    "RuntimeService" "Version": VersionRequest => VersionResponse;
    "RuntimeService" "Status": StatusRequest => StatusResponse;
    "RuntimeService" "RunPodSandbox": RunPodSandboxRequest => RunPodSandboxResponse;
    "RuntimeService" "StopPodSandbox": StopPodSandboxRequest => Nothing;
    "RuntimeService" "RemovePodSandbox": RemovePodSandboxRequest => Nothing;
    "RuntimeService" "PodSandboxStatus": PodSandboxStatusRequest => PodSandboxStatusResponse;
    "RuntimeService" "ListPodSandbox": ListPodSandboxRequest => ListPodSandboxResponse;
    "RuntimeService" "CreateContainer": CreateContainerRequest => CreateContainerResponse;
    "RuntimeService" "StartContainer": StartContainerRequest => Nothing;
    "RuntimeService" "UpdateContainerResources": UpdateContainerResourcesRequest => Nothing;
    "RuntimeService" "StopContainer": StopContainerRequest => Nothing;
    "RuntimeService" "RemoveContainer": RemoveContainerRequest => Nothing;
    "RuntimeService" "ContainerStatus": ContainerStatusRequest => ContainerStatusResponse;
    "RuntimeService" "ListContainers": ListContainersRequest => ListContainersResponse;
    "RuntimeService" "ExecSync": ExecSyncRequest => ExecSyncResponse;
    "ImageService" "ImageStatus": ImageStatusRequest => ImageStatusResponse;
    "ImageService" "RemoveImage": RemoveImageRequest => Nothing;
}

/// An answer that says only that it was done.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Nothing {}

/// A number that may be unset.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Int64Value {
    #[prost(int64, tag = "1")]
    pub value: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use std::collections::BTreeMap;

    /// The bytes are written out by hand from the numbers in api.proto: key = number << 3 | wire type.
    #[test]
    fn fields_have_the_numbers_of_the_interface() {
        let (network, pid) = (NamespaceMode::Node.into(), NamespaceMode::Container.into());
        let options = NamespaceOption { network, pid, ipc: 0, target_id: "t".to_owned() };
        assert_eq!(options.encode_to_vec(), [0x08, 2, 0x10, 1, 0x22, 1, b't']);

        let resources = LinuxContainerResources {
            cpu_period: 1,
            cpu_quota: 2,
            cpu_shares: 3,
            memory_limit_in_bytes: 4,
            oom_score_adj: 5,
            hugepage_limits: vec![HugepageLimit { page_size: "2MB".to_owned(), limit: 6 }],
            unified: BTreeMap::from([("f".to_owned(), "1".to_owned())]),
            memory_swap_limit_in_bytes: 10,
        };
        let unified = [0x4a, 6, 0x0a, 1, b'f', 0x12, 1, b'1'];
        let huge = [0x42, 7, 0x0a, 3, b'2', b'M', b'B', 0x10, 6];
        let bytes = [&[0x08, 1, 0x10, 2, 0x18, 3, 0x20, 4, 0x28, 5][..], &huge, &unified, &[0x50, 10]].concat();
        assert_eq!(resources.encode_to_vec(), bytes);

        let sandbox = LinuxSandboxSecurityContext {
            run_as_user: Some(Int64Value { value: 7 }),
            run_as_group: Some(Int64Value { value: 8 }),
            privileged: true,
            seccomp: Some(SecurityProfile { profile_type: ProfileType::Unconfined.into(), ..Default::default() }),
            ..Default::default()
        };
        assert_eq!(sandbox.encode_to_vec(), [0x1a, 2, 8, 7, 0x30, 1, 0x42, 2, 8, 8, 0x4a, 2, 8, 1]);

        let container = LinuxContainerSecurityContext {
            run_as_group: Some(Int64Value { value: 9 }),
            no_new_privs: true,
            masked_paths: vec!["m".to_owned()],
            readonly_paths: vec!["r".to_owned()],
            seccomp: Some(SecurityProfile { profile_type: ProfileType::Unconfined.into(), ..Default::default() }),
            ..Default::default()
        };
        assert_eq!(container.encode_to_vec(), [0x58, 1, 0x62, 2, 8, 9, 0x6a, 1, b'm', 0x72, 1, b'r', 0x7a, 2, 8, 1]);
    }

    #[test]
    fn an_answer_with_unknown_fields_is_read() -> Result<(), prost::DecodeError> {
        // Field 99, a varint, stands before the id in field 1.
        let answer = RunPodSandboxResponse::decode(&[0x98, 0x06, 1, 0x0a, 2, b'i', b'd'][..])?;
        assert_eq!(answer.pod_sandbox_id, "id");
        Ok(())
    }
}
