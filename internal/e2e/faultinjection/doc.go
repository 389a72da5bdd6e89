// Package faultinjection runs the lifecycle of an installation on the embedded AWS
// and makes every single API call fail in turn.
//
// A scenario is a sequence of events as CloudFormation sends them: a creation, an
// update, a rollback, a deletion. It runs once without a fault, to record its
// calls; then once for each call and each way in which that call can fail. Faults
// are injected into the HTTP transport, so the code under test is the code that is
// deployed: the custom resource's protocol, the provisioner, the AWS SDK with its
// retries, and the permissions of the function and of the stack role in
// template.yaml.
//
// Invariants of every case, whatever failed:
//
//   - Every event has exactly one response, within CloudFormation's limits and
//     without a secret; none only if the function was killed or its response could
//     not be delivered.
//   - A response is true. SUCCESS means that the account has exactly what the event
//     requests.
//   - At no time does a role allow or trust anything that neither the old nor the
//     new state does. Roles are checked after every write to IAM.
//   - Nothing is orphaned: every role, policy, instance profile, topic and rule
//     belongs to an existing permission stack, and no permission stack exists
//     without its parent. Resources of third parties are not modified.
//   - After CloudFormation's rollback, or, if that failed, after a person repeats
//     it, the account has exactly the old state.
//   - The next event converges: the change is requested again and succeeds, and the
//     deletion after it leaves nothing.
//
// Time is simulated: waiting, the SDK's backoff and the function's timeout take no
// real time, and every case is reproducible.
package faultinjection
