package memo

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOnceForManyAtATime(t *testing.T) {
	t.Parallel()
	var g Group[int]
	var made atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if v, err := g.Do(t.Context(), "k", func(context.Context) (int, error) { return int(made.Add(1)), nil }); v != 1 || err != nil {
				t.Errorf("Do = %d, %v; want 1", v, err)
			}
		})
	}
	wg.Wait()
	if v, _ := g.Do(t.Context(), "other", func(context.Context) (int, error) { return int(made.Add(1)), nil }); v != 2 {
		t.Errorf("another key gave %d; want 2", v)
	}
}

func TestErrorIsRemembered(t *testing.T) {
	t.Parallel()
	var g Group[int]
	first := errors.New("first")
	for _, err := range []error{first, errors.New("second")} {
		if _, got := g.Do(t.Context(), "k", func(context.Context) (int, error) { return 0, err }); !errors.Is(got, first) {
			t.Errorf("Do = %v; want %v", got, first)
		}
	}
}

func TestCancelledMakerIsForgotten(t *testing.T) {
	t.Parallel()
	var g Group[int]
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{})
	go func() {
		_, _ = g.Do(ctx, "k", func(ctx context.Context) (int, error) {
			close(started)
			<-ctx.Done()
			return 0, ctx.Err()
		})
	}()
	<-started
	var answer int
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer, err = g.Do(t.Context(), "k", func(context.Context) (int, error) { return 7, nil })
	}()
	cancel()
	<-done
	if answer != 7 || err != nil {
		t.Errorf("after the maker was cancelled: %d, %v; want 7", answer, err)
	}
}

func TestWaiterGoesWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	var g Group[int]
	started, free := make(chan struct{}), make(chan struct{})
	defer close(free)
	go func() {
		_, _ = g.Do(t.Context(), "k", func(context.Context) (int, error) { close(started); <-free; return 1, nil })
	}()
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Do(ctx, "k", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v; want context.Canceled", err)
	}
}
