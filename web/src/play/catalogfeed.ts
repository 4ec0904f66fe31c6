import { type Catalog, CatalogError, readCatalog } from "../media/catalog.ts";
import { ObjectStatus } from "../moqt/codes.ts";
import type { MoqObject } from "../moqt/datastream.ts";
import type { TrackEnd, TrackHandler } from "../moqt/subscription.ts";

/**
 * Follows the catalog track: object 0 of each group is a whole catalog, and the
 * one of the newest group counts. The same catalog again is news as well: it
 * says that the tracks it names are still there.
 */
export class CatalogFeed implements TrackHandler {
  private newest = -1;

  constructor(
    private readonly onCatalog: (catalog: Catalog) => void,
    private readonly onFault: (error: CatalogError) => void,
    private readonly onEnded: (end: TrackEnd) => void,
  ) {}

  onObject({ group, object, payload, status }: MoqObject): void {
    if (group < this.newest || object !== 0 || status !== ObjectStatus.Normal) {
      return;
    }
    this.newest = group;
    try {
      this.onCatalog(readCatalog(payload));
    } catch (error) {
      if (!(error instanceof CatalogError)) {
        throw error;
      }
      this.onFault(error);
    }
  }

  onEnd(end: TrackEnd): void {
    this.onEnded(end);
  }

  onSubscribed(): void {}
  onGroupOpen(): void {}
  onGroupEnd(): void {}
  onJoined(): void {}
}
