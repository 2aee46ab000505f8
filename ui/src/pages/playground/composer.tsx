// What a person says next: text, and images by file, paste or drop.

import { ActionIcon, Alert, Button, FileButton, Group, Textarea } from "@mantine/core";
import { type ClipboardEvent, type DragEvent, type KeyboardEvent, type RefObject, useState } from "react";
import { bytes } from "@/kit/format";
import { Icon } from "@/kit/icons";
import classes from "./playground.module.css";

const TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const IMAGE_BYTES_MAX = 5 * 1024 * 1024;
const IMAGES_MAX = 8;

interface Props {
  box: RefObject<HTMLTextAreaElement | null>;
  busy: boolean;
  /** Why nothing can be sent at the moment. */
  waits: string | null;
  onSend: (text: string, images: string[]) => void;
  onStop: () => void;
}

export function Composer({ box, busy, waits, onSend, onStop }: Props) {
  const [text, setText] = useState("");
  const [images, setImages] = useState<string[]>([]);
  const [flaw, setFlaw] = useState<string | null>(null);
  const add = async (files: readonly File[]) => {
    setFlaw(null);
    for (const file of files) {
      if (!TYPES.includes(file.type)) setFlaw(`${file.name} is not a PNG, JPEG, GIF or WebP image.`);
      else if (file.size > IMAGE_BYTES_MAX) setFlaw(`${file.name} is larger than ${bytes(IMAGE_BYTES_MAX)}.`);
      else {
        const url = await dataUrl(file);
        setImages((before) => (before.length < IMAGES_MAX ? [...before, url] : before));
      }
    }
  };
  const send = () => {
    if (busy || waits || (!text.trim() && images.length === 0)) return;
    onSend(text, images);
    setText("");
    setImages([]);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    void add(files);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    void add([...event.dataTransfer.files]);
  };
  return (
    <form className={classes.composer} onSubmit={(event) => { event.preventDefault(); send(); }} onDrop={onDrop} onDragOver={(event) => event.preventDefault()}>
      {flaw && <Alert color="red" role="alert" withCloseButton closeButtonLabel="Close" onClose={() => setFlaw(null)}>{flaw}</Alert>}
      {images.length > 0 && (
        <div className={classes.images}>
          {images.map((url, index) => (
            <span key={index}>
              <img src={url} alt={`Image ${index + 1} to send`} />
              <ActionIcon size="xs" variant="filled" aria-label={`Remove image ${index + 1}`} onClick={() => setImages(images.filter((_, at) => at !== index))}><Icon name="close" size={12} /></ActionIcon>
            </span>
          ))}
        </div>
      )}
      <Textarea ref={box} aria-label="Message" placeholder="Say something. Enter sends, Shift and Enter begins a line." autosize minRows={2} maxRows={10} value={text} onChange={(event) => setText(event.currentTarget.value)} onKeyDown={onKey} onPaste={onPaste} />
      <Group justify="space-between" gap="xs">
        <FileButton multiple accept={TYPES.join(",")} onChange={(files) => void add(files)} inputProps={{ "aria-label": "Images" }}>
          {(props) => <Button {...props} variant="subtle" color="gray" leftSection={<Icon name="plus" size={14} />}>Add images</Button>}
        </FileButton>
        <Group gap="sm">
          {waits && <span className="muted" role="status">{waits}</span>}
          {busy ? <Button color="red.8" onClick={onStop}>Stop</Button> : <Button type="submit" disabled={waits !== null || (!text.trim() && images.length === 0)}>Send</Button>}
        </Group>
      </Group>
    </form>
  );
}

function dataUrl(file: File): Promise<string> {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => failed(reader.error ?? new Error("The file could not be read."));
    reader.readAsDataURL(file);
  });
}
