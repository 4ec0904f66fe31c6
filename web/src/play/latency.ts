/** Maps media time to the time at which the encoder put it out. */
export class EncoderClock {
  private anchors: { media: number; wall: number }[] = [];

  /** A producer reference: media in seconds, wall in Unix milliseconds. */
  add(media: number, wall: number): void {
    const last = this.anchors.at(-1);
    if (last && media <= last.media) {
      this.anchors = this.anchors.filter((anchor) => anchor.media < media);
    }
    this.anchors.push({ media, wall });
    if (this.anchors.length > maxAnchors) {
      this.anchors.shift();
    }
  }

  /** Unix milliseconds, from the reference before the media time. */
  wallClock(media: number): number | undefined {
    let found = this.anchors[0];
    for (const anchor of this.anchors) {
      if (anchor.media <= media) {
        found = anchor;
      }
    }
    return found && found.wall + (media - found.media) * 1000;
  }
}

/** A minute of groups: more than is ever buffered. */
const maxAnchors = 64;
