package delve

import (
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/go-delve/delve/service"
	"github.com/go-delve/delve/service/api"
	"github.com/go-delve/delve/service/debugger"
	"github.com/go-delve/delve/service/rpc2"
)

// client gives starbind Delve's API without a connection: each call of a
// script's built-in becomes a call of the method of the same name of Delve's
// server. starbind uses two methods of the interface, CallAPI and
// EvalVariable; the others are not there.
type client struct {
	service.Client
	server  reflect.Value
	methods map[string]reflect.Value
}

func newClient(d *debugger.Debugger) *client {
	server := rpc2.NewServer(&service.Config{}, d)
	return &client{server: reflect.ValueOf(server), methods: map[string]reflect.Value{}}
}

// moving are the calls a script's function must not make: the driver decides
// where the fixture goes, or two scripts could not share one start.
var moving = map[string]bool{
	"Command": true, "Restart": true, "Detach": true, "Set": true, "SetExecutionPoint": true,
	"CreateBreakpoint": true, "AmendBreakpoint": true, "ClearBreakpoint": true, "ToggleBreakpoint": true,
	"CreateWatchpoint": true, "CreateEBPFTracepoint": true, "FollowExec": true, "CancelNext": true,
	"Checkpoint": true, "ClearCheckpoint": true, "StopRecording": true,
}

var errMoves = errors.New("a script only looks: the driver moves the process")

func (c *client) CallAPI(name string, args, reply any) error {
	if moving[name] {
		return fmt.Errorf("%s: %w", name, errMoves)
	}
	m, known := c.methods[name]
	if !known {
		m = c.server.MethodByName(name)
		c.methods[name] = m
	}
	if !m.IsValid() {
		return fmt.Errorf("%s: Delve has no such call", name)
	}
	in := reflect.ValueOf(args)
	if want := m.Type().In(0); in.Kind() == reflect.Pointer && want.Kind() != reflect.Pointer {
		in = in.Elem()
	}
	if m.Type().NumOut() == 0 { // asynchronous: answers through a callback
		cb := &callback{reply: reply}
		m.Call([]reflect.Value{in, reflect.ValueOf(cb)})
		return cb.err
	}
	err, _ := m.Call([]reflect.Value{in, reflect.ValueOf(reply)})[0].Interface().(error)
	return err
}

func (c *client) EvalVariable(scope api.EvalScope, expr string, cfg api.LoadConfig) (*api.Variable, error) {
	var out rpc2.EvalOut
	err := c.CallAPI("Eval", rpc2.EvalIn{Scope: scope, Expr: expr, Cfg: &cfg}, &out)
	return out.Variable, err
}

// callback takes the answer of an asynchronous call, which has been made when
// the call returns.
type callback struct {
	reply any
	err   error
}

func (cb *callback) Return(out any, err error) {
	if cb.err = err; err == nil && out != nil {
		reflect.ValueOf(cb.reply).Elem().Set(reflect.Indirect(reflect.ValueOf(out)))
	}
}

func (*callback) SetupDoneChan() chan struct{}  { return nil }
func (*callback) DisconnectChan() chan struct{} { return nil }

// surroundings are what starbind asks for.
type surroundings struct{ client *client }

func (c surroundings) Client() service.Client { return c.client }
func (surroundings) RegisterCommand(string, string, func(string) error, int) {
	// Commands are for a person at a prompt.
}
func (surroundings) CallCommand(string) error { return errMoves }
func (surroundings) Scope() api.EvalScope     { return api.EvalScope{GoroutineID: -1} }
func (surroundings) LoadConfig() api.LoadConfig {
	return api.LoadConfig{FollowPointers: true, MaxVariableRecurse: 1, MaxStringLen: 64, MaxArrayValues: 64, MaxStructFields: -1}
}

// echo is where a script's print goes: the end of the child's standard error.
type echo struct{ io.Writer }

func (echo) Echo(string) {}
func (echo) Flush()      {}
