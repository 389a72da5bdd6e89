// Package remedy states how each kind of finding is resolved: one command, or the reason
// why there is none, and where the console shows the resource. Commands are in the
// notation of a POSIX shell and contain everything that they need: an e-mail is often
// read where permstack's documents are not.
package remedy
