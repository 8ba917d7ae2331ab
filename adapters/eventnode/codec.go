package eventnode

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// codec is the codec of gRPC with buffers that fit. The usual ones come in five
// sizes: an event of 600 bytes takes 4 KiB of them and one of 33 KiB takes a
// MiB, all of which is held for as long as a client does not read.
type codec struct {
	encoding.CodecV2
	pool mem.BufferPool
}

func newCodec() (codec, error) {
	pool, err := mem.NewBinaryTieredBufferPool(8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
	if err != nil {
		return codec{}, fmt.Errorf("buffers: %w", err)
	}
	return codec{CodecV2: encoding.GetCodecV2(grpcproto.Name), pool: pool}, nil
}

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case *wireEvent:
		b, whole := c.buffer(m.size())
		m.appendTo((*b)[:0])
		return whole, nil
	case proto.Message:
		b, whole := c.buffer(proto.Size(m))
		if _, err := (proto.MarshalOptions{UseCachedSize: true}).MarshalAppend((*b)[:0], m); err != nil {
			whole.Free()
			return nil, err
		}
		return whole, nil
	}
	return c.CodecV2.Marshal(v)
}

// buffer gives memory for a message of this size, and the same as gRPC sends it.
func (c codec) buffer(size int) (*[]byte, mem.BufferSlice) {
	if mem.IsBelowBufferPoolingThreshold(size) {
		b := make([]byte, size)
		return &b, mem.BufferSlice{mem.SliceBuffer(b)}
	}
	b := c.pool.Get(size)
	return b, mem.BufferSlice{mem.NewBuffer(b, c.pool)}
}
