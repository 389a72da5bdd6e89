// Package faults lives through the life of an installation on the embedded AWS
// and breaks it at every single API call in turn.
//
// A life is a row of events as CloudFormation sends them: a creation, an update,
// a rollback, a deletion. It is lived once without a fault, to count its calls;
// then once for each call and each way in which a call can fail. The faults
// strike on the wire, so the code that runs is the code that is deployed: the
// custom resource's protocol, the provisioner, the AWS SDK with its retries, and
// the rights that template.yaml gives to the function and to the stack role.
//
// What a case must keep, whatever broke:
//
//   - Every event has exactly one answer, within CloudFormation's limits and
//     without a secret; none only where the function was killed or its answer
//     could not arrive.
//   - An answer is true. SUCCESS means that the account holds exactly what the
//     event asks for.
//   - At no moment does a role allow, or trust, what neither the old nor the new
//     state does. It is looked at after every write to IAM.
//   - Nothing is orphaned: every role, policy, instance profile, topic and rule
//     belongs to a permission stack that stands, and no permission stack stands
//     without its parent. What belongs to others stays as it was.
//   - After CloudFormation's rollback, and where that failed after the repeat that
//     a person asks for, the account holds the old state, exactly.
//   - The next event converges: the change is asked for again and made, and the
//     deletion leaves nothing.
//
// Time is simulated: waiting, the SDK's pauses between tries and the function's
// time limit cost nothing, and every case repeats exactly.
package faultinjection
