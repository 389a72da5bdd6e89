package sandbox

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/e2e/demo"
	"permstack/internal/e2e/recording"
	"permstack/internal/policies/schema"
)

// Options configure Execute.
type Options struct {
	Profile string
	Assets  []schema.Asset
	Build   Builder
	Out     io.Writer
	Log     io.Writer // of an interruption
	Color   bool
	// Progress is called with what the run waits for, and with "" when the wait ends. It may be nil.
	Progress func(text string)
}

// Result is the outcome of Execute.
type Result struct {
	Err   error // why the run failed: *demo.StepError if a step did
	Left  error // what could not be deleted
	Calls []recording.Call
}

// Execute creates what the demo needs, runs it, and deletes everything, also after an
// error and after ctx ended. Calls that have begun are not aborted.
func (r *Run) Execute(ctx context.Context, cfg aws.Config, o Options) Result {
	recorder := recording.NewRecorder(r.Account.ID, r.ID)
	recorder.Hide(r.externalID, "external-id-redacted")
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return Result{Err: fmt.Errorf("retrieve the credentials: %w", err)}
	}
	recorder.HideCredentials(credentials)
	recorded := recorder.Wrap(cfg)
	r.cfg = Interruptible(ctx, recorded)

	failure := r.demo(ctx, o)
	if ctx.Err() != nil {
		fmt.Fprintln(o.Log, "permstack: interrupted: deleting what was created. To stop at once, end this process; "+
			"then run 'permstack try --aws --clean-up'.")
	}
	fmt.Fprintln(o.Out, "\nDeleting the bucket, the role and what else remains:")
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
	defer cancel()
	left := Clean(clean, recorded, r.Account, r.ID, o.Out)
	if left == nil {
		fmt.Fprintln(o.Out, "Nothing of the run remains.")
	}
	return Result{failure, left, recorder.Calls()}
}

func (r *Run) demo(ctx context.Context, o Options) error {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	o.Progress("building the functions and uploading them")
	url, err := r.Prepare(ctx, o.Profile, o.Build)
	o.Progress("")
	if err != nil {
		return err
	}
	return demo.Run(ctx, demo.Options{
		Site: r.Site(), TemplateURL: url, Profile: o.Profile, Assets: o.Assets, Out: o.Out, Color: o.Color,
		Progress: o.Progress,
	})
}
