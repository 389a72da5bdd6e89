package pause_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"permstack/internal/awsapi/pause"
)

func TestFor(t *testing.T) {
	t.Run("waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			if err := pause.For(t.Context(), time.Minute); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took != time.Minute {
				t.Errorf("waited %v, want 1m", took)
			}
		})
	})
	t.Run("ends with the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := pause.For(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want deadline exceeded", err)
			}
			if took := time.Since(began); took != time.Second {
				t.Errorf("waited %v, want 1s", took)
			}
		})
	})
}
