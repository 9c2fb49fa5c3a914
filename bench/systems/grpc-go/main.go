// A gRPC fan-out as one writes it in Go: a goroutine and a buffered channel per subscriber. What finds a channel full is
// dropped for that subscriber, and not told. Payloads come on standard input, each behind its length, 32 bits, big-endian;
// the end of the input is the end of the server.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/metadata"
)

const channelMessages = 1024

// asItIs takes the place of the protobuf codec: a payload is the message, as in all systems beside this one.
type asItIs struct{}

func (asItIs) Name() string { return "proto" }

func (asItIs) Marshal(message interface{}) ([]byte, error) { return *message.(*[]byte), nil }

func (asItIs) Unmarshal(bytes []byte, message interface{}) error {
	*message.(*[]byte) = bytes
	return nil
}

type fanout struct {
	mutex       sync.RWMutex
	subscribers map[chan *[]byte]struct{}
}

func (f *fanout) publish(payload *[]byte) {
	f.mutex.RLock()
	defer f.mutex.RUnlock()
	for waiting := range f.subscribers {
		select {
		case waiting <- payload:
		default:
		}
	}
}

func (f *fanout) subscribe(_ interface{}, stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	waiting := make(chan *[]byte, channelMessages)
	f.mutex.Lock()
	f.subscribers[waiting] = struct{}{}
	f.mutex.Unlock()
	defer func() {
		f.mutex.Lock()
		delete(f.subscribers, waiting)
		f.mutex.Unlock()
	}()
	// Whoever has the headers knows that it is live.
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	for {
		select {
		case payload := <-waiting:
			if err := stream.SendMsg(payload); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println(grpc.Version)
		return
	}
	encoding.RegisterCodec(asItIs{})
	fan := &fanout{subscribers: map[chan *[]byte]struct{}{}}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.v1.Fanout",
		HandlerType: (*interface{})(nil),
		Streams: []grpc.StreamDesc{{
			StreamName:    "Subscribe",
			ServerStreams: true,
			Handler:       fan.subscribe,
		}},
	}, fan)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(server.Serve(listener)) }()
	fmt.Printf("listening on %s\n", listener.Addr())

	input := bufio.NewReaderSize(os.Stdin, 1<<16)
	var header [4]byte
	for {
		if _, err := io.ReadFull(input, header[:]); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(header[:]))
		if _, err := io.ReadFull(input, payload); err != nil {
			return
		}
		fan.publish(&payload)
	}
}
