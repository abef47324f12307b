// Package memo does slow things once: a release is resolved once and a setup
// is built once, however many ask at the same time or later.
package memo

import (
	"context"
	"errors"
	"sync"
)

// Group remembers the answer for each key, errors included. An attempt that
// failed because the context of the one who made it ended is forgotten: others still
// want the answer. The zero Group is ready to use.
type Group[V any] struct {
	mu    sync.Mutex
	calls map[string]*call[V]
}

type call[V any] struct {
	done  chan struct{}
	value V
	err   error
	again bool // the maker's context ended; valid after done
}

// Do returns the remembered answer for the key, or makes it. While somebody
// else makes it, Do waits until that is done or ctx ends.
func (g *Group[V]) Do(ctx context.Context, key string, do func(context.Context) (V, error)) (V, error) {
	for {
		c, mine := g.claim(key)
		if mine {
			g.run(ctx, key, c, do)
			return c.value, c.err
		}
		select {
		case <-c.done:
			if !c.again {
				return c.value, c.err
			}
		case <-ctx.Done():
			var zero V
			return zero, context.Cause(ctx)
		}
	}
}

// claim returns the call of a key; mine is set when the caller must make it.
func (g *Group[V]) claim(key string) (c *call[V], mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, ok := g.calls[key]; ok {
		return c, false
	}
	if g.calls == nil {
		g.calls = map[string]*call[V]{}
	}
	c = &call[V]{done: make(chan struct{}), err: errors.New("panicked"), again: true}
	g.calls[key] = c
	return c, true
}

func (g *Group[V]) run(ctx context.Context, key string, c *call[V], do func(context.Context) (V, error)) {
	defer func() {
		if c.again {
			g.mu.Lock()
			delete(g.calls, key)
			g.mu.Unlock()
		}
		close(c.done)
	}()
	c.value, c.err = do(ctx)
	c.again = c.err != nil && ctx.Err() != nil
}
