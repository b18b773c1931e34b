//! `spec.containers[]`.

use super::{Object, Shape, acted, ignored, later, later_unless};

/// The fields of any container, and others.
macro_rules! fields_and {
    ($($more:expr)?) => {
        &[
            acted("name", Shape::Text),
            acted("image", Shape::Text),
            acted("command", Shape::Texts),
            acted("args", Shape::Texts),
            acted("workingDir", Shape::Text),
            acted("env", Shape::Objects(ENV)),
            acted("envFrom", Shape::Objects(ENV_FROM)),
            acted("ports", Shape::Objects(PORT)),
            acted("resources", Shape::Object(RESOURCES)),
            acted("volumeMounts", Shape::Objects(VOLUME_MOUNT)),
            acted("securityContext", Shape::Object(SECURITY)),
            ignored("imagePullPolicy", Shape::Text),
            ignored("livenessProbe", Shape::Object(PROBE)),
            ignored("readinessProbe", Shape::Object(PROBE)),
            ignored("startupProbe", Shape::Object(PROBE)),
            ignored("resizePolicy", Shape::Objects(RESIZE_POLICY)),
            acted("restartPolicy", Shape::Text),
            // Of a container whose own restartPolicy is refused.
            ignored("restartPolicyRules", Shape::Objects(RESTART_RULE)),
            ignored("terminationMessagePolicy", Shape::Text),
            acted("lifecycle", Shape::Object(LIFECYCLE)),
            later_unless("stdin", &["false"]),
            later_unless("stdinOnce", &["false"]),
            acted("terminationMessagePath", Shape::Text),
            later_unless("tty", &["false"]),
            later("volumeDevices"),
            $($more,)?
        ]
    };
}

pub(in crate::pod) static CONTAINER: &Object = &Object { name: "a container", fields: fields_and!() };

pub(super) static EPHEMERAL: &Object =
    &Object { name: "an ephemeral container", fields: fields_and!(acted("targetContainerName", Shape::Text)) };

static LIFECYCLE: &Object = &Object {
    name: "a lifecycle",
    fields: &[
        acted("postStart", Shape::Object(HOOK)),
        acted("preStop", Shape::Object(HOOK)),
        acted("stopSignal", Shape::Text),
    ],
};

static HOOK: &Object = &Object {
    name: "a hook",
    fields: &[
        acted("exec", Shape::Object(HOOK_EXEC)),
        acted("sleep", Shape::Object(HOOK_SLEEP)),
        later("httpGet"),
        later("tcpSocket"),
    ],
};

static HOOK_EXEC: &Object = &Object { name: "exec", fields: &[acted("command", Shape::Texts)] };

static HOOK_SLEEP: &Object = &Object { name: "sleep", fields: &[acted("seconds", Shape::Integer)] };

static ENV: &Object = &Object {
    name: "an environment variable",
    fields: &[acted("name", Shape::Text), acted("value", Shape::Text), acted("valueFrom", Shape::Object(VALUE_FROM))],
};

static VALUE_FROM: &Object = &Object {
    name: "valueFrom",
    fields: &[
        acted("fieldRef", Shape::Object(FIELD_REF)),
        acted("resourceFieldRef", Shape::Object(RESOURCE_FIELD_REF)),
        acted("configMapKeyRef", Shape::Object(KEY_REF)),
        acted("secretKeyRef", Shape::Object(KEY_REF)),
        later("fileKeyRef"),
    ],
};

static KEY_REF: &Object = &Object {
    name: "a reference to a key",
    fields: &[acted("name", Shape::Text), acted("key", Shape::Text), acted("optional", Shape::Bool)],
};

pub(super) static FIELD_REF: &Object =
    &Object { name: "a fieldRef", fields: &[acted("fieldPath", Shape::Text), acted("apiVersion", Shape::Text)] };

pub(super) static RESOURCE_FIELD_REF: &Object = &Object {
    name: "a resourceFieldRef",
    fields: &[acted("containerName", Shape::Text), acted("resource", Shape::Text), acted("divisor", Shape::Any)],
};

static ENV_FROM: &Object = &Object {
    name: "envFrom",
    fields: &[
        acted("prefix", Shape::Text),
        acted("configMapRef", Shape::Object(OBJECT_REF)),
        acted("secretRef", Shape::Object(OBJECT_REF)),
    ],
};

static OBJECT_REF: &Object =
    &Object { name: "a reference to an object", fields: &[acted("name", Shape::Text), acted("optional", Shape::Bool)] };

static PORT: &Object = &Object {
    name: "a port",
    fields: &[
        acted("containerPort", Shape::Integer),
        acted("protocol", Shape::Text),
        acted("hostPort", Shape::Integer),
        ignored("name", Shape::Text),
        later("hostIP"),
    ],
};

pub(super) static RESOURCES: &Object = &Object {
    name: "resources",
    fields: &[acted("limits", Shape::Resources), acted("requests", Shape::Resources), later("claims")],
};

static VOLUME_MOUNT: &Object = &Object {
    name: "a volume mount",
    fields: &[
        acted("name", Shape::Text),
        acted("mountPath", Shape::Text),
        acted("readOnly", Shape::Bool),
        acted("mountPropagation", Shape::Text),
        acted("recursiveReadOnly", Shape::Text),
        acted("subPath", Shape::Text),
        acted("subPathExpr", Shape::Text),
    ],
};

static SECURITY: &Object = &Object {
    name: "a container's securityContext",
    fields: &[
        acted("privileged", Shape::Bool),
        acted("allowPrivilegeEscalation", Shape::Bool),
        acted("readOnlyRootFilesystem", Shape::Bool),
        acted("runAsUser", Shape::Integer),
        acted("runAsGroup", Shape::Integer),
        acted("runAsNonRoot", Shape::Bool),
        acted("capabilities", Shape::Object(CAPABILITIES)),
        acted("seccompProfile", Shape::Object(PROFILE)),
        acted("appArmorProfile", Shape::Object(PROFILE)),
        acted("procMount", Shape::Text),
        later("seLinuxOptions"),
        later("windowsOptions"),
    ],
};

static CAPABILITIES: &Object =
    &Object { name: "capabilities", fields: &[acted("add", Shape::Texts), acted("drop", Shape::Texts)] };

/// Of seccomp and AppArmor.
pub(super) static PROFILE: &Object =
    &Object { name: "a profile", fields: &[acted("type", Shape::Text), acted("localhostProfile", Shape::Text)] };

static PROBE: &Object = &Object {
    name: "a probe",
    fields: &[
        ignored("exec", Shape::Object(EXEC)),
        ignored("httpGet", Shape::Object(HTTP_GET)),
        ignored("tcpSocket", Shape::Object(TCP_SOCKET)),
        ignored("grpc", Shape::Object(GRPC)),
        ignored("initialDelaySeconds", Shape::Integer),
        ignored("periodSeconds", Shape::Integer),
        ignored("timeoutSeconds", Shape::Integer),
        ignored("successThreshold", Shape::Integer),
        ignored("failureThreshold", Shape::Integer),
        ignored("terminationGracePeriodSeconds", Shape::Integer),
    ],
};

static EXEC: &Object = &Object { name: "exec", fields: &[ignored("command", Shape::Texts)] };

static HTTP_GET: &Object = &Object {
    name: "httpGet",
    fields: &[
        ignored("path", Shape::Text),
        ignored("port", Shape::Any),
        ignored("host", Shape::Text),
        ignored("scheme", Shape::Text),
        ignored("httpHeaders", Shape::Objects(HEADER)),
    ],
};

static HEADER: &Object =
    &Object { name: "an HTTP header", fields: &[ignored("name", Shape::Text), ignored("value", Shape::Text)] };

static TCP_SOCKET: &Object =
    &Object { name: "tcpSocket", fields: &[ignored("host", Shape::Text), ignored("port", Shape::Any)] };

static GRPC: &Object =
    &Object { name: "grpc", fields: &[ignored("port", Shape::Integer), ignored("service", Shape::Text)] };

static RESIZE_POLICY: &Object = &Object {
    name: "a resize policy",
    fields: &[ignored("resourceName", Shape::Text), ignored("restartPolicy", Shape::Text)],
};

static RESTART_RULE: &Object = &Object {
    name: "a restart rule",
    fields: &[ignored("action", Shape::Text), ignored("exitCodes", Shape::Object(EXIT_CODES))],
};

static EXIT_CODES: &Object =
    &Object { name: "exitCodes", fields: &[ignored("operator", Shape::Text), ignored("values", Shape::Any)] };
