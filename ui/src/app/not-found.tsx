import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { EmptyState } from "@/kit/empty-state";
import { PageHeader } from "@/kit/page-header";

export function NotFound() {
  return (
    <div style={{ padding: 16 }}>
      <PageHeader title="This page does not exist" />
      <EmptyState sentence="The address may be mistyped, or what it named was renamed or deleted." action={<Button component={Link} to="/">Go to the start</Button>} />
    </div>
  );
}
