import { expect, test } from "vitest";
import { Resource } from "../src/resource.ts";

function later<T>(): { answer: Promise<T>; give: (value: T) => void; refuse: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  return { answer: promise, give: resolve, refuse: reject };
}

test("a late answer to an older question is dropped", async () => {
  const resource = new Resource<string>();
  const first = later<string>();
  const second = later<string>();
  const loads = [resource.load("a", () => first.answer), resource.load("b", () => second.answer)];
  second.give("answer b");
  first.give("answer a");
  await Promise.all(loads);
  expect(resource.value.value).toBe("answer b");
});

test("a new question clears the old answer at once", async () => {
  const resource = new Resource<string>();
  await resource.load("a", async () => "answer a");
  const second = later<string>();
  const load = resource.load("b", () => second.answer);
  expect(resource.value.value).toBeNull();
  second.give("answer b");
  await load;
  expect(resource.value.value).toBe("answer b");
});

test("the same question keeps its answer while it is asked again, and when it fails", async () => {
  const resource = new Resource<string>();
  await resource.load("a", async () => "old");
  const again = later<string>();
  const load = resource.load("a", () => again.answer);
  expect(resource.value.value).toBe("old");
  again.refuse(new Error("gone"));
  await load;
  expect(resource.value.value).toBe("old");
  expect(resource.error.value?.message).toBe("gone");
});

test("an answer ends the error of the attempt before", async () => {
  const resource = new Resource<string>();
  await resource.load("a", () => Promise.reject(new Error("gone")));
  await resource.load("a", async () => "back");
  expect([resource.value.value, resource.error.value]).toEqual(["back", null]);
});
