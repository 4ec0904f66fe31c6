import { WireError } from "../wire/varint.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads the fields of a message from the network; what is missing is as its zero value, what has another type or is beyond its bound is a WireError. */
export class JsonFields {
  constructor(private readonly object: JsonObject) {}

  static parse(text: string): JsonFields {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new WireError("message is no JSON", { cause: error });
    }
    return JsonFields.of(value);
  }

  static of(value: unknown): JsonFields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new WireError("object wanted");
    }
    return new JsonFields(value as JsonObject);
  }

  has(name: string): boolean {
    return this.object[name] !== undefined && this.object[name] !== null;
  }

  /** A whole number from 0 to max. */
  int(name: string, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.number(name, max);
    return Number.isInteger(value) ? value : this.fail(name);
  }

  /** A number from 0 to max. */
  number(name: string, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.object[name] ?? 0;
    return typeof value === "number" && value >= 0 && value <= max ? value : this.fail(name);
  }

  text(name: string, max: number): string {
    const value = this.object[name] ?? "";
    return typeof value === "string" && value.length <= max ? value : this.fail(name);
  }

  /** One of a closed set. */
  word<T extends string>(name: string, words: readonly T[]): T {
    const value = this.object[name];
    return words.find((word) => word === value) ?? this.fail(name);
  }

  flag(name: string): boolean {
    const value = this.object[name] ?? false;
    return typeof value === "boolean" ? value : this.fail(name);
  }

  fields(name: string): JsonFields {
    return JsonFields.of(this.object[name] ?? {});
  }

  list(name: string, max: number): unknown[] {
    const value = this.object[name] ?? [];
    return Array.isArray(value) && value.length <= max ? value : this.fail(name);
  }

  texts(name: string, max: number, length: number): string[] {
    return this.list(name, max).map((value) =>
      typeof value === "string" && value.length <= length ? value : this.fail(name),
    );
  }

  private fail(name: string): never {
    throw new WireError(`field ${name} is not what it should be`);
  }
}
