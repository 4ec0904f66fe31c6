import { StreamReader } from "../wire/streamreader.ts";
import { type ControlMessage, readMessages } from "./controlstream.ts";
import { ResetCode } from "./codes.ts";
import { type Transport, streamError } from "./transport.ts";

/**
 * One request on its own bidirectional stream (section 3.3). The sending side
 * stays open: its end is how the peer sees that the request was given up.
 */
export class RequestStream {
  private constructor(
    private readonly reader: StreamReader,
    private readonly writer: WritableStreamDefaultWriter<Uint8Array>,
  ) {}

  static async open(transport: Transport, opener: Uint8Array): Promise<RequestStream> {
    const stream = await transport.createBidirectionalStream();
    const writer = stream.writable.getWriter();
    writer.closed.catch(() => undefined);
    await writer.write(opener);
    return new RequestStream(new StreamReader(stream.readable), writer);
  }

  messages(): AsyncGenerator<ControlMessage> {
    return readMessages(this.reader);
  }

  cancel(): void {
    this.reader.cancel(streamError(ResetCode.Cancelled));
    this.writer.abort(streamError(ResetCode.Cancelled)).catch(() => undefined);
  }
}
