package delve

import (
	"fmt"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"reflect"
	"strings"
	"sync"

	"github.com/go-delve/delve/pkg/version"
	"github.com/go-delve/delve/service"
	"github.com/go-delve/delve/service/api"
	"github.com/go-delve/delve/service/debugger"
	"github.com/go-delve/delve/service/rpc2"
)

// server answers Delve's terminal for a debugger that already runs. Delve's own server
// (service/rpccommon) starts its debugger by itself, at the first instruction, and gives it
// to nobody.
type server struct {
	d     *debugger.Debugger
	api   reflect.Value // *rpc2.RPCServer
	codec rpc.ServerCodec
	// around runs the restart of the fixture.
	around func(restart func())

	sending sync.Mutex
	gone    chan struct{}
}

// serve returns the client's end of a connection within this process.
func serve(d *debugger.Debugger, around func(restart func())) net.Conn {
	near, far := net.Pipe()
	s := &server{
		d: d, api: reflect.ValueOf(rpc2.NewServer(&service.Config{}, d)), codec: jsonrpc.NewServerCodec(near),
		around: around, gone: make(chan struct{}),
	}
	go s.run()
	return far
}

// run reads one request after the other. Those that take long answer by a
// callback and let the next be read as soon as they are under way: a halt has to overtake.
func (s *server) run() {
	defer s.codec.Close()
	defer close(s.gone)
	for {
		var req rpc.Request
		if s.codec.ReadRequestHeader(&req) != nil {
			return
		}
		m := s.method(strings.TrimPrefix(req.ServiceMethod, "RPCServer."))
		if !m.IsValid() {
			_ = s.codec.ReadRequestBody(nil)
			s.answer(req, nil, fmt.Errorf("no such call of Delve: %s", req.ServiceMethod))
			continue
		}
		in := reflect.New(m.Type().In(0))
		if err := s.codec.ReadRequestBody(in.Interface()); err != nil {
			s.answer(req, nil, err)
			continue
		}
		if m.Type().NumOut() > 0 {
			out := reflect.New(m.Type().In(1).Elem())
			s.answer(req, out.Interface(), safely(func() error {
				err, _ := m.Call([]reflect.Value{in.Elem(), out})[0].Interface().(error)
				return err
			}))
			continue
		}
		cb := &pending{server: s, req: req, setUp: make(chan struct{})}
		call := func() {
			if err := safely(func() error { m.Call([]reflect.Value{in.Elem(), reflect.ValueOf(cb)}); return nil }); err != nil {
				cb.Return(nil, err)
			}
		}
		if req.ServiceMethod == "RPCServer.Restart" {
			// The answer waits for what has to follow: the next command must not meet the program that is gone.
			cb.held = make(chan struct{})
			go func() {
				s.around(call)
				close(cb.held)
			}()
		} else {
			go call()
		}
		<-cb.setUp
	}
}

// method finds a call: Delve's, or one of the two that its server adds.
func (s *server) method(name string) reflect.Value {
	switch name {
	case "GetVersion":
		return reflect.ValueOf(func(_ api.GetVersionIn, out *api.GetVersionOut) error {
			out.DelveVersion, out.APIVersion = version.DelveVersion.String(), 2
			return s.d.GetVersion(out)
		})
	case "SetApiVersion":
		return reflect.ValueOf(func(api.SetAPIVersionIn, *api.SetAPIVersionOut) error { return nil })
	}
	m := s.api.MethodByName(name)
	if m.IsValid() && (m.Type().NumIn() != 2 || m.Type().NumOut() > 1) {
		return reflect.Value{}
	}
	return m
}

// safely keeps a panic of Delve's from ending the session.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in Delve: %v", p)
		}
	}()
	return f()
}

func (s *server) answer(req rpc.Request, out any, err error) {
	resp := rpc.Response{ServiceMethod: req.ServiceMethod, Seq: req.Seq}
	if err != nil {
		resp.Error, out = err.Error(), struct{}{}
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	_ = s.codec.WriteResponse(&resp, out) // fails when the terminal is gone
}

// pending is a call that answers later.
type pending struct {
	server *server
	req    rpc.Request
	setUp  chan struct{}
	held   chan struct{} // nil, or closed when the answer may be sent
	once   sync.Once
}

func (p *pending) Return(out any, err error) {
	select {
	case <-p.setUp:
	default: // Delve closes it as soon as the call is under way, unless it fails before
		close(p.setUp)
	}
	p.once.Do(func() {
		if p.held == nil {
			p.server.answer(p.req, out, err)
			return
		}
		go func() { // Return is called before what it waits for
			<-p.held
			p.server.answer(p.req, out, err)
		}()
	})
}

func (p *pending) SetupDoneChan() chan struct{}  { return p.setUp }
func (p *pending) DisconnectChan() chan struct{} { return p.server.gone }
